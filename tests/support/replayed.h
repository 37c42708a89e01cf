// The exchange that a driver's journal makes again.
#pragma once

#include <vector>

#include <gtest/gtest.h>

#include "tests/support/exchange_driver.h"

namespace engine {

// Every command has to fit. Requires: the driver kept its journal.
inline Exchange Replayed(const ExchangeDriver& driver) {
  Exchange exchange;
  std::vector<Event> nowhere(256);
  for (const OwnedCommand& command : driver.journal) {
    if (IsFromClient(command.view().header().type)) {
      EXPECT_TRUE(exchange.Screen(command.view()));
    }
    EXPECT_TRUE(exchange.Apply(command.view()));
    exchange.TakeOutcome();
    while (exchange.Draining()) exchange.Drain(nowhere);
  }
  return exchange;
}

}  // namespace engine
