#!/usr/bin/python3
"""kill -9 in the middle of a replay: nothing that was acknowledged is lost or told differently."""

import json
import random
import re
import time
import unittest

from exchange import LONG, Exchange, peerwatt
from raw_wire import ANSWER, Wire, order
import peerwatt_wire


def digest_line(text):
    return re.search(r"recovered seq=(\d+) digest=([0-9a-f]{32})", text).groups()


class Crash(unittest.TestCase):
    def test_keeps_every_acknowledgement_through_kills(self):
        rounds = 20 if LONG else 3
        draw = random.Random(1)
        with Exchange(homes=300, credentials=20, speed=1440) as exchange:
            exchange.start()
            acks = exchange.folder / "acks.txt"
            replay = exchange.replay("--acks", acks, "--timeout-s", 280)
            from_snapshots = 0
            for _ in range(rounds):
                time.sleep(draw.uniform(1.0, 4.0))
                self.assertIsNone(replay.poll(), "the replay ended before the kill")
                exchange.kill()
                journal = peerwatt("journal", "digest", exchange.data)  # From the first record on.
                started = exchange.start()
                self.assertIn("seq=%s digest=%s" % digest_line(started), journal)
                from_snapshots += 0 if "snapshot=0" in started else 1
            self.assertGreater(from_snapshots, 0)
            out, err = replay.communicate(timeout=290)
            self.assertEqual(replay.returncode, 0, err)
            result = json.loads(out)
            self.assertGreater(result["reconnects"], 0)
            self.assertGreater(result["accepted"], 10_000)
            self.assertGreater(result["fills"], 1_000)
            exchange.stop()
            checked = peerwatt("journal", "check-acks", exchange.data, acks)
            self.assertGreater(int(checked.split()[0]), 1_000)
            peerwatt("journal", "verify", exchange.data)

    def test_answers_a_resend_with_the_same_bytes(self):
        with Exchange(homes=4) as exchange:
            exchange.start()
            start = (int(time.time()) // 900 + 8) * 15
            frame = peerwatt_wire.submit_frame(
                1, [order(1, 7, start, 0, 200, 500), order(1, 8, start, 0, 99_999, 500)])
            first = Wire(exchange.port)
            first.log_on(exchange.tokens["1"])
            first.send(frame)
            answer = first.receive_type(ANSWER)
            exchange.kill()
            exchange.start()
            again = Wire(exchange.port)
            again.log_on(exchange.tokens["1"])
            again.send(frame)
            self.assertEqual(again.receive_type(ANSWER), answer)
            again.close()
            first.close()


if __name__ == "__main__":
    unittest.main()
