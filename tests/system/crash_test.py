#!/usr/bin/python3
"""kill -9 and SIGSTOP in the middle of a replay: nothing that was acknowledged is lost or changed."""

import json
import random
import re
import signal
import time
import unittest

from exchange import LONG, Exchange, peerwatt
from raw_wire import ANSWER, Wire, later_start_minute, order
import peerwatt_wire


def digest_line(text):
    return re.search(r"recovered seq=(\d+) digest=([0-9a-f]{32})", text).groups()


class Crash(unittest.TestCase):
    def test_keeps_every_acknowledgement_through_kills_and_stops(self):
        rounds = 200 if LONG else 6
        draw = random.Random(1)
        # A day takes a minute, a round two to three seconds.
        with Exchange(homes=300, credentials=20, speed=1440,
                      generate=("--days", 10 if LONG else 1)) as exchange:
            # The daemon bears a silence of 2.5 s, and the clients one of 7 s.
            exchange.config = ("[journal]\nsegment_mib = 8\n"
                               "[sessions]\nheartbeat_default_s = 1\nidle_slack_ms = 500\n")
            exchange.start()
            acks = exchange.folder / "acks.txt"
            replay = exchange.replay("--acks", acks, "--timeout-s", 880)
            from_snapshots = 0
            for number in range(rounds):
                time.sleep(draw.uniform(0.2, 1.5))
                self.assertIsNone(replay.poll(), "the replay ended before the last round")
                if number % 2 == 1:
                    exchange.process.send_signal(signal.SIGSTOP)
                    time.sleep(8.0 if number % 40 == 1 else draw.choice((0.01, 0.3, 1.0, 3.0)))
                if number % 4 == 1:
                    exchange.process.send_signal(signal.SIGCONT)
                    continue
                exchange.kill()  # Every third time one that is stopped.
                journal = peerwatt("journal", "digest", exchange.data)  # From the first record on.
                started = exchange.start()
                self.assertIn("seq=%s digest=%s" % digest_line(started), journal)
                from_snapshots += 0 if "snapshot=0" in started else 1
            self.assertGreater(from_snapshots, 0)
            out, err = replay.communicate(timeout=890)
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
            start = later_start_minute()
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
