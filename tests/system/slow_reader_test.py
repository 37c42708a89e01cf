#!/usr/bin/python3
"""Clients with small windows that read nothing: nobody else waits for them, the daemon's memory does
not grow with what they are owed, and when they read at last they hear all of it."""

import socket
import statistics
import time
import unittest

from exchange import Exchange
from raw_wire import ANSWER, LOGON_ANSWER, TERMINATE, Wire, body, later_start_minute, order
import peerwatt_wire  # In tools, where raw_wire has led us.

FRAME = 62  # Orders.
ROUNDS = 250  # Frames of each slow client in a phase.
SLOW_READER = 12
MARKET = {"rule": "continuous", "party_orders_max": 4096, "book_orders_max": 100_000}
SAME_PRODUCT = 30  # Rounds: a party has so many orders in a product at most.
PHASES = 4  # With readers, and as many without.
RATIO_MOST = 5  # Of another's 99th percentiles in the quietest phases; noise is under 2.
GROWTH_MIB = 3  # Of memory beyond what as many orders make it grow while all read.


class Client(Wire):
    def __init__(self, exchange, credential, next_event=0, window=None):
        if window is None:
            super().__init__(exchange.port)
        else:
            self.socket = socket.socket()
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
            self.socket.settimeout(60)
            self.socket.connect(("127.0.0.1", exchange.port))
        self.numbers = []
        self.account = exchange.accounts_of(credential)[0]
        self.send(peerwatt_wire.logon_frame(exchange.tokens[str(credential)], next_event, 300))
        self.logon = body("LogonAnswer", self.receive_type(LOGON_ANSWER))
        self.client_seq = self.logon.NextClientSeq() - 1
        self.orders = 1000 * self.client_seq

    def say(self, start, side, count):
        """Orders that trade with those of the other side; does not wait for the answer."""
        self.client_seq += 1
        self.orders += count
        self.send(peerwatt_wire.submit_frame(
            self.client_seq, [order(self.account, self.orders - i, start, side, 200, 1)
                              for i in range(count)]))

    def take(self, message_type, data):
        if message_type == peerwatt_wire.FILLS:
            fills = body("Fills", data)
            self.numbers += range(fills.FirstEvent(), fills.FirstEvent() + fills.FillsLength())

    def hear_answer(self):
        while True:
            message_type, data = self.receive()
            self.take(message_type, data)
            if message_type == ANSWER and body("Answer", data).ClientSeq() == self.client_seq:
                answer = body("Answer", data)
                refused = {answer.Refused(i).Reason() for i in range(answer.RefusedLength())}
                assert (answer.Reason(), refused) == (0, set()), (answer.Reason(), refused)
                return

    def hear_fills(self, most):
        """All fills that are owed, or those until the connection ends; why it did."""
        while len(self.numbers) < most:
            try:
                received = self.receive()
            except ConnectionResetError:
                received = None
            if received is None:
                return None
            self.take(*received)
            if received[0] == TERMINATE:
                return body("Terminate", received[1]).Reason()
        return None


class SlowReaders(unittest.TestCase):
    def p99_ms(self, sellers, buyer, other, reading):
        """Of `other`, whose orders come behind those that make fills for the sellers."""
        times = []
        for _ in range(ROUNDS):
            self.rounds += 1
            start = self.start + 15 * (self.rounds // SAME_PRODUCT)
            for seller in sellers:
                seller.say(start, 1, FRAME)
                if reading:
                    seller.hear_answer()
            for _ in sellers:
                buyer.say(start, 0, FRAME)
                buyer.hear_answer()
            began = time.monotonic()
            other.say(self.start + 15 * 80, 0, 1)
            other.hear_answer()
            times.append((time.monotonic() - began) * 1000)
        return statistics.quantiles(times, n=100)[98]

    def test_nobody_waits_for_them(self):
        with Exchange(homes=20, credentials=6, market=MARKET) as exchange:
            exchange.config = ("[sessions]\nslow_reader_timeout_ms = 100000\n"
                               "[outbox]\nlimit_mib = 256\n")
            exchange.start()
            self.start, self.rounds = later_start_minute(), 0
            buyer, other = Client(exchange, 1), Client(exchange, 2)
            readers = [Client(exchange, credential) for credential in (3, 4)]
            slow = [Client(exchange, credential, 1, window=4096) for credential in (5, 6)]
            read, unread = [], []  # Milliseconds.
            mib = [exchange.resident_mib()]
            for _ in range(PHASES):
                read.append(self.p99_ms(readers, buyer, other, reading=True))
                mib.append(exchange.resident_mib())
                unread.append(self.p99_ms(slow, buyer, other, reading=False))
                mib.append(exchange.resident_mib())
            grown = [after - before for before, after in zip(mib, mib[1:])]
            # Not the first, in which the daemon does all for the first time.
            with_all, with_slow = sum(grown[2::2]), sum(grown[3::2])
            ratio = min(unread) / min(read)
            print(f"p99 of another, ms: {[round(x, 2) for x in read]} while all read, "
                  f"{[round(x, 2) for x in unread]} while two do not, ratio {ratio:.2f}; "
                  f"resident {with_all:+.1f} and {with_slow:+.1f} MiB")
            self.assertLess(ratio, RATIO_MOST)
            self.assertLess(with_slow - with_all, GROWTH_MIB)
            owed = PHASES * ROUNDS * FRAME
            for client in slow:
                client.hear_fills(owed)
                first = client.numbers[0]
                self.assertEqual(client.numbers, list(range(first, first + owed)))
            exchange.stop()

    def test_one_that_takes_nothing_is_ended_and_told_the_rest_when_it_comes_back(self):
        with Exchange(homes=20, credentials=3, market=MARKET) as exchange:
            exchange.config = "[sessions]\nslow_reader_timeout_ms = 2000\n"
            exchange.start()
            self.start, self.rounds = later_start_minute(), 0
            buyer, seller = Client(exchange, 1), Client(exchange, 3)
            frames = 1_200  # More fills than the system's buffers hold.
            starts = [self.start + 15 * (i // SAME_PRODUCT) for i in range(frames)]
            for start in starts:
                seller.say(start, 1, FRAME)
                seller.hear_answer()
            seller.close()
            slow = Client(exchange, 3, 1, window=4096)
            for start in starts:
                buyer.say(start, 0, FRAME)
                buyer.hear_answer()
            time.sleep(5)
            owed = frames * FRAME
            # Why it ends it hears only where the system's buffers had room for the last frame.
            self.assertIn(slow.hear_fills(owed), (SLOW_READER, None))
            heard = slow.numbers
            self.assertGreater(len(heard), 0)
            self.assertLess(len(heard), owed)
            back = Client(exchange, 3, heard[-1] + 1)
            back.hear_fills(owed - len(heard))
            self.assertEqual(heard + back.numbers, list(range(heard[0], heard[0] + owed)))
            exchange.stop()


if __name__ == "__main__":
    unittest.main()
