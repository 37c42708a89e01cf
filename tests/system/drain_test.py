#!/usr/bin/python3
"""A daemon that is told to stop while orders are on their way: each is answered and in the journal, or
neither, and its sender hears why the connection ends."""

import signal
import unittest

from exchange import Exchange, peerwatt
from raw_wire import ANSWER, TERMINATE, Wire, body, later_start_minute, order
import peerwatt_wire  # In tools, where raw_wire has led us.

SHUTDOWN = 2
ORDERS = 15
STOPS = 5


class Drain(unittest.TestCase):
    def stop_behind_orders(self, exchange, first_seq):
        """Returns how many answers were heard before the Terminate."""
        client = Wire(exchange.port)
        client.log_on(exchange.tokens["1"])
        account, start = exchange.accounts_of(1)[0], later_start_minute()
        client.send(b"".join(
            peerwatt_wire.submit_frame(seq, [order(account, seq, start, 0, 200, 1)])
            for seq in range(first_seq, first_seq + ORDERS)))
        exchange.process.send_signal(signal.SIGTERM)
        answers, reason = 0, None
        while reason is None:
            kind, data = client.receive()
            if kind == ANSWER:
                self.assertEqual(body("Answer", data).Reason(), 0)
                answers += 1
            elif kind == TERMINATE:
                reason = body("Terminate", data).Reason()
        client.close()
        self.assertEqual(reason, SHUTDOWN)
        self.assertEqual(exchange.process.wait(30), 0)
        return answers

    def test_what_is_in_the_journal_was_answered(self):
        with Exchange(homes=4, credentials=2) as exchange:
            answered = 0
            for _ in range(STOPS):
                exchange.start()
                answered += self.stop_behind_orders(exchange, answered + 1)
                journaled = peerwatt("journal", "dump", exchange.data).count("submit_orders")
                self.assertEqual(journaled, answered)
            self.assertGreater(answered, 0)
            print(f"{answered} of {STOPS * ORDERS} orders were taken and answered in {STOPS} stops")


if __name__ == "__main__":
    unittest.main()
