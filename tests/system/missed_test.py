#!/usr/bin/python3
"""What happened while a client was away it hears when it comes back, from a daemon that died too."""

import contextlib
import time
import unittest

from exchange import Exchange
from raw_wire import ANSWER, LOGON_ANSWER, Wire, body, order
import peerwatt_wire  # In tools, where raw_wire has led us.

EVENT_UNKNOWN = 14


class Client(Wire):
    """One that says what it has not seen, and keeps what it is told."""

    def __init__(self, exchange, token, next_event):
        super().__init__(exchange.port)
        self.numbers = []
        self.send(peerwatt_wire.logon_frame(token, next_event, 30))
        self.logon = body("LogonAnswer", self.receive_type(LOGON_ANSWER))

    def submit(self, client_seq, orders):
        self.send(peerwatt_wire.submit_frame(client_seq, orders))
        return body("Answer", self.receive_type(ANSWER))

    def hear(self, events):
        """Reads on until it has heard so many numbered events."""
        while len(self.numbers) < events:
            received = self.receive()
            assert received is not None, "the connection ended"
            message_type, data = received
            if message_type == peerwatt_wire.ROUND_CLEARED:
                self.numbers.append(body("RoundCleared", data).Event())
            if message_type == peerwatt_wire.FILLS:
                fills = body("Fills", data)
                first = fills.FirstEvent()
                self.numbers += range(first, first + fills.FillsLength())
        return self.numbers


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
