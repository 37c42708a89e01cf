#!/usr/bin/python3
"""Replays at a rate against a real daemon: every order of the feed is sent, and its round heard."""

import json
import shutil
import subprocess
import unittest

from exchange import BIN, Exchange, peerwatt


class Replay(unittest.TestCase):
    def result_of(self, replay):
        out, err = replay.communicate(timeout=120)
        self.assertEqual(replay.returncode, 0, err)
        return json.loads(out)

    def test_corrections_at_a_rate_hit_the_orders_that_they_correct(self):
        with Exchange(homes=50, credentials=5) as exchange:
            exchange.start()
            for rate in ("max", "20000"):
                result = self.result_of(exchange.replay("--rate", rate))
                self.assertEqual(result["refused"], {}, rate)
                self.assertEqual(result["accepted"], result["orders"], rate)
            exchange.stop()

    def test_rounds_within_the_wait_are_heard_and_the_others_are_told_as_not_waited_for(self):
        # Open products are up to 30 s away on this clock.
        with Exchange(homes=20, credentials=5, speed=2880) as exchange:
            exchange.start()
            result = self.result_of(exchange.replay("--rate", "max", "--wait-s", 15))
            # Of the few products that are open some get orders of two times of day.
            self.assertLessEqual(set(result["refused"]), {"self_trade"})
            self.assertGreater(result["fills"], 0)
            self.assertGreater(result["rounds_to_come"], 0)
            self.assertEqual(result["rounds_not_heard"], 0)
            exchange.stop()
        # At the wall's pace the gates are hours away.
        with Exchange(homes=20, credentials=5) as exchange:
            exchange.start()
            result = self.result_of(exchange.replay("--rate", "max", "--wait-s", 0))
            self.assertIsNone(result["fills"])
            exchange.stop()

    def test_a_continuous_market_fills_at_once_and_a_restart_makes_the_same_trades(self):
        # At the wall's pace the gates are hours away.
        with Exchange(homes=50, credentials=5, market={"rule": "continuous"}) as exchange:
            exchange.start()
            result = self.result_of(exchange.replay("--rate", "max", "--wait-s", 0))
            # What is filled at once is not there to be corrected any more.
            self.assertLessEqual(set(result["refused"]), {"self_trade", "unknown_order"})
            self.assertGreater(result["fills"], 500)
            before = peerwatt("journal", "digest", exchange.data)
            exchange.kill()
            self.assertEqual(peerwatt("journal", "digest", exchange.data), before)
            exchange.start()
            exchange.stop()
            peerwatt("journal", "verify", exchange.data)

    def test_a_burst_before_the_gates_is_told_apart(self):
        burst = ("--burst-permille", 900, "--burst-s", 300, "--last-lead-s", 900)
        with Exchange(homes=50, credentials=5, speed=2880, generate=burst) as exchange:
            exchange.start()
            result = self.result_of(exchange.replay("--burst-s", 1200))
            told = result["burst"]
            self.assertGreater(told["orders"], 0.9 * result["orders"])
            late = sum(result["refused"].get(why, 0) for why in ("gate_closed", "clearing", "unknown_product"))
            self.assertLessEqual(told["late"], late)
            for times in (told["answer_us"], told["gate_to_last_fill_us"]):
                self.assertGreater(times["p50"], 0)
                self.assertGreaterEqual(times["max"], times["p50"])
            exchange.stop()

    def test_the_setup_beside_the_feed_is_found_or_its_making_is_told(self):
        with Exchange(homes=20, credentials=5) as exchange:
            exchange.start()
            command = [BIN / "peerwatt", "replay", exchange.feed, "--to",
                       f"127.0.0.1:{exchange.port}", "--connections", "5", "--rate", "max",
                       "--json"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 66)
            self.assertEqual(done.stderr.count("\n"), 1)
            self.assertIn(f"peerwatt feed setup {exchange.feed}", done.stderr)
            shutil.copytree(exchange.setup, f"{exchange.feed}.setup")
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(json.loads(done.stdout)["refused"], {})
            exchange.stop()

    def test_acknowledgements_that_cannot_be_written_fail_the_replay(self):
        with Exchange(homes=20, credentials=5) as exchange:
            exchange.start()
            replay = exchange.replay("--rate", "max", "--acks", "/dev/full")
            _, err = replay.communicate(timeout=60)
            self.assertEqual(replay.returncode, 69)
            self.assertIn("/dev/full", err)
            exchange.stop()

    def test_setup_writes_beside_the_feed_by_default(self):
        with Exchange(homes=2) as exchange:
            peerwatt("feed", "setup", exchange.feed)
            self.assertTrue((exchange.folder / "day.pwfeed.setup/tokens.csv").is_file())


if __name__ == "__main__":
    unittest.main()
