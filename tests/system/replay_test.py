#!/usr/bin/python3
"""Replays at a rate against a real daemon: every order of the feed is sent, and its round heard."""

import json
import unittest

from exchange import Exchange


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
            self.assertEqual(result["refused"], {})
            self.assertGreater(result["fills"], 0)
            self.assertGreater(result["rounds_to_come"], 0)
            self.assertEqual(result["rounds_not_heard"], 0)
            result = self.result_of(exchange.replay("--rate", "max", "--wait-s", 0))
            self.assertIsNone(result["fills"])
            exchange.stop()


if __name__ == "__main__":
    unittest.main()
