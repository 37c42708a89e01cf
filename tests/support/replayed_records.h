// What a journal's records come to in the bare core: the slow twin of a recovery.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/command.h"
#include "engine/core/exchange.h"
#include "tests/support/journal_records.h"
#include "tests/support/replayed.h"
#include "tests/support/told_events.h"

namespace engine {

// Every record must fit to what was before it.
class ReplayedRecords {
 public:
  explicit ReplayedRecords(const RecordBytes& records) {
    for (const std::vector<std::byte>& record : records) Apply(record);
  }

  void Apply(const std::vector<std::byte>& record) {
    const CommandView command(reinterpret_cast<const CommandHeader*>(record.data()));
    for (const Event& event : Repeat(command, exchange_)) Hear(event);
  }

  DigestBytes StateDigest() const { return exchange_.StateDigest(); }
  const ToldEvents& events() const { return events_; }  // All that there was to tell.

  // What was bought of a product was sold.
  void ExpectEnergyIsConserved() const {
    for (const auto& [product, energy_wh] : bought_less_sold_wh_) {
      EXPECT_EQ(energy_wh, 0) << "product " << product.start_minute;
    }
  }

 private:
  void Hear(const Event& event) {
    events_.Hear(event);
    if (event.type != EventType::kFill) return;
    const auto energy_wh = static_cast<std::int64_t>(event.fill.energy_wh);
    bought_less_sold_wh_[event.fill.product] +=
        event.fill.side == Side::kBuy ? energy_wh : -energy_wh;
  }

  Exchange exchange_;
  ToldEvents events_;
  std::map<ProductId, std::int64_t> bought_less_sold_wh_;
};

}  // namespace engine
