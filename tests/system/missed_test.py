#!/usr/bin/python3
"""What happened while a client was away it hears when it comes back, from a daemon that died too."""

import contextlib
import time
import unittest

from exchange import Exchange
from raw_wire import Client, order

EVENT_UNKNOWN = 14


class Missed(unittest.TestCase):
    def test_events_are_told_after_a_crash_and_where_the_outbox_was_lost(self):
        # A slot takes half a second, its gate is at its beginning but five minutes.
        with Exchange(homes=2, credentials=1, speed=1800) as exchange:
            exchange.start()
            token = next(iter(exchange.tokens.values()))
            accounts = [line.split(",")[0] for line in
                        (exchange.setup / "accounts.csv").read_text().splitlines()[1:]]
            start = exchange.origin // 60 // 15 * 15 + 10 * 15  # Five seconds from now.
            client = Client(exchange, token, 0)
            first = client.logon.NextEvent()
            orders = [order(int(account), 1 + slot, start + 15 * slot, side, 200, 100)
                      for slot in range(4) for side, account in enumerate(accounts)]
            self.assertEqual(client.submit(1, orders).RefusedLength(), 0)
            client.close()
            time.sleep(9)  # The rounds are over.

            told = 4 * 3  # Of each round what it came to, and two fills.
            back = Client(exchange, token, first)
            self.assertEqual(back.logon.NextEvent(), first)
            self.assertEqual(back.hear(told), list(range(first, first + told)))
            back.close()
            exchange.kill()
            exchange.start()
            with contextlib.closing(Client(exchange, token, first + 5)) as late:
                self.assertEqual(late.hear(told - 5), list(range(first + 5, first + told)))
            exchange.kill()
            for file in exchange.data.glob("shard-0/outbox-*"):
                file.unlink()
            exchange.start()
            with contextlib.closing(Client(exchange, token, first)) as again:
                self.assertEqual(again.hear(told), list(range(first, first + told)))
            with contextlib.closing(Client(exchange, token, first + told + 1)) as beyond:
                self.assertEqual(beyond.logon.Reason(), EVENT_UNKNOWN)
                self.assertEqual(beyond.logon.NextEvent(), first + told)
            exchange.stop()


if __name__ == "__main__":
    unittest.main()
