#!/usr/bin/python3
"""Rounds that are played with live buyers: controllers, a crash in mid-game, homes of any kind."""

import json
import signal
import subprocess
import time
import unittest

from exchange import BIN, LONG, TOP, Exchange, peerwatt
from raw_wire import ANSWER, Wire, order
import peerwatt_wire
from controller import demand_nwh

# The example E2 of the auction's authors: limits in ticks, energies in Wh.
THETA = 30_000
BIDS = [(200, 2000), (180, 1500), (150, 1000), (90, 2000)]
ASKS = [(60, 1000), (80, 1500), (100, 2000), (140, 1000)]
PYTHON_HOME = 1  # tools/controller.py; the others are `peerwatt controller`.


class Homes:
    """A controller for each order of the example, in a process of its own."""

    def __init__(self, exchange, delivery_s):
        self.exchange = exchange
        self.delivery = str((exchange.origin + delivery_s) // 900 * 15)
        orders = [("buy", bid) for bid in BIDS] + [("sell", ask) for ask in ASKS]
        self.processes = [self.start(home, *order) for home, order in enumerate(orders, 1)]

    def start(self, home, side, order):
        if home == PYTHON_HOME:
            start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(self.delivery) * 60))
            command = ["/usr/bin/python3", TOP / "tools/controller.py",
                       "--port", str(self.exchange.port), "--limit-ticks", str(order[0]),
                       "--start", start]
        else:
            command = [BIN / "peerwatt", "controller", "--to", f"127.0.0.1:{self.exchange.port}",
                       "--price-ticks", str(order[0]), "--start-minute", self.delivery]
        theta = ["--theta", str(THETA)] if side == "buy" else []
        with open(self.log(home), "w") as out:
            return subprocess.Popen(
                [*command, "--token", self.exchange.tokens[str(home)], "--account", str(home),
                 "--side", side, "--energy-wh", str(order[1]), "--timeout-s", "150", *theta],
                stdout=out, stderr=subprocess.STDOUT)

    def log(self, home):
        return self.exchange.folder / f"home-{home}.txt"

    def said(self, home):
        return self.log(home).read_text()

    def wait(self, test, homes=range(1, 9)):
        for home in homes:
            test.assertEqual(self.processes[home - 1].wait(timeout=160), 0, self.said(home))

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()


class RawHome:
    """A home of the example in raw frames, whose bid is a live one where it is asked to be."""

    def __init__(self, exchange, home, start_minute, live=False):
        self.home, self.start_minute = home, start_minute
        self.limit, self.energy_wh = (BIDS + ASKS)[home - 1]
        self.client_seq = 0
        self.call = None  # The newest price.
        self.wire = Wire(exchange.port)
        self.wire.socket.settimeout(60)
        self.wire.log_on(exchange.tokens[str(home)])
        mine = order(home, 1, start_minute, 0 if home <= len(BIDS) else 1, self.limit,
                     self.energy_wh)
        mine["response"] = peerwatt_wire.INTERACTIVE if live else peerwatt_wire.FIXED
        assert self.send(peerwatt_wire.submit_frame, mine) == 0

    def hear(self, wanted):
        """The next message of that type; prices that come before it are kept."""
        while True:
            kind, data = self.wire.receive()
            if kind == peerwatt_wire.PRICE_CALL:
                self.call = peerwatt_wire.wire("PriceCall").PriceCall.GetRootAs(data[8:], 0)
            if kind == wanted:
                return data[8:]

    def hear_step(self, step):
        while self.call is None or self.call.Step() < step:
            self.hear(peerwatt_wire.PRICE_CALL)

    def send(self, frame_of, item):
        """The reason why the item was refused, or 0."""
        self.client_seq += 1
        self.wire.send(frame_of(self.client_seq, [item]))
        answer = peerwatt_wire.wire("Answer").Answer.GetRootAs(self.hear(ANSWER), 0)
        return answer.Refused(0).Reason() if answer.RefusedLength() else answer.Reason()

    def say(self, step, demand):
        return self.send(peerwatt_wire.quantity_frame,
                         {"account": self.home, "client_order_id": 1, "demand_nwh": demand,
                          "market": 1, "start_minute_utc": self.start_minute, "round": 1,
                          "step": step})

    def say_the_truth(self, step):
        self.hear_step(step)
        return self.say(step, demand_nwh(self.limit, self.call.PriceTicks(), THETA,
                                         self.energy_wh))


class Games(unittest.TestCase):
    def check_example(self, homes):
        homes.wait(self)
        fills = {1: "1500 Wh", 2: "1000 Wh", 5: "1000 Wh", 6: "1500 Wh"}
        for home in range(1, 9):
            if home in fills:
                self.assertRegex(homes.said(home), rf"fill: .*{fills[home]} at 140 ticks")
            else:
                self.assertNotIn("fill:", homes.said(home))
        self.assertNotIn("step", homes.said(3))  # The first that is left out is not asked.

    def check_journal(self, exchange):
        exchange.stop()
        self.assertIn("come out as they were recorded",
                      peerwatt("journal", "verify", exchange.data))

    def test_controllers_play_the_example_of_the_authors(self):
        market = {"rule": "stackelberg", "schedule": "bisecting", "answer_ms": 200_000,
                  "game_budget_ms": 240_000, "feed_in_ticks": 10}
        with Exchange(homes=8, speed=600, market=market) as exchange:
            exchange.start()
            homes = Homes(exchange, delivery_s=9_000)
            self.check_example(homes)
            self.check_journal(exchange)

    def test_a_game_goes_on_after_a_crash_when_its_controllers_are_back(self):
        market = {"rule": "stackelberg", "schedule": "descending", "answer_ms": 600_000,
                  "game_budget_ms": 2_400_000, "gate_before_s": 3_600, "feed_in_ticks": 10}
        with Exchange(homes=8, speed=60, market=market) as exchange:
            exchange.start()
            homes = Homes(exchange, delivery_s=5_400)
            # One that does not answer holds the game at its first step.
            deadline = time.monotonic() + 30
            while "accepted" not in homes.said(2) and time.monotonic() < deadline:
                time.sleep(0.1)
            homes.processes[1].send_signal(signal.SIGSTOP)
            deadline = time.monotonic() + 90
            while "step 1:" not in homes.said(1) and time.monotonic() < deadline:
                time.sleep(0.1)
            exchange.kill()
            homes.processes[1].send_signal(signal.SIGCONT)
            exchange.start()
            # Those who come back after the last step do not hear of the round any more.
            homes.wait(self, [1, 2])
            homes.end()
            self.assertRegex(homes.said(1), "fill: .*1500 Wh at 140 ticks")
            self.assertRegex(homes.said(2), "fill: .*1000 Wh at 140 ticks")
            self.assertIn("step 71: 80 ticks", homes.said(1))
            self.check_journal(exchange)
            dump = peerwatt("journal", "dump", exchange.data)
            self.assertTrue("resume_games" in dump, "the restart was not in mid-game")

    def test_a_controller_that_lies_is_refused_by_number_and_the_round_is_played(self):
        market = {"rule": "stackelberg", "schedule": "descending", "answer_ms": 600_000,
                  "game_budget_ms": 2_400_000, "gate_before_s": 3_600, "feed_in_ticks": 10}
        with Exchange(homes=8, speed=60, market=market) as exchange:
            exchange.start()
            start = (exchange.origin + 5_400) // 900 * 15
            homes = [RawHome(exchange, home, start, home <= 2) for home in range(1, 9)]
            for home in homes:
                self.addCleanup(home.wire.close)
            liar, other = homes[:2]
            self.assertEqual(liar.say(1, 1), 140)  # Not called: it is before the gate.
            liar.hear_step(1)
            self.assertEqual(liar.call.PriceTicks(), 150)
            self.assertEqual(liar.say(2, 0), 140)
            self.assertEqual(liar.say(1, 2_000 * 10**9 + 1), 143)  # More than registered.
            self.assertEqual(liar.say(1, 2**64 - 1), 143)
            self.assertEqual(liar.say_the_truth(1), 0)
            self.assertEqual(liar.say(1, 0), 142)  # Answered already.
            self.assertEqual(other.say_the_truth(1), 0)
            liar.hear_step(2)
            self.assertEqual(liar.say(1, 0), 141)  # Too late.
            self.assertEqual(liar.say(2, 0), 144)  # Less at a lower price.
            for step in range(2, 72):
                for home in (liar, other):
                    self.assertEqual(home.say_the_truth(step), 0)
            for home, energy_wh in ((liar, 1500), (other, 1000)):
                fills = peerwatt_wire.wire("Fills").Fills.GetRootAs(
                    home.hear(peerwatt_wire.FILLS), 0)
                self.assertEqual((fills.Fills(0).EnergyWh(), fills.Fills(0).PriceTicks()),
                                 (energy_wh, 140))
            self.check_journal(exchange)

    def test_homes_that_are_live_slow_and_silent_end_every_game(self):
        market = {"rule": "stackelberg", "schedule": "bisecting", "answer_ms": 60_000,
                  "game_budget_ms": 240_000}
        homes = 1_000 if LONG else 200
        with Exchange(homes=homes, speed=1440, generate=["--slot-minutes", "60"],
                      market=market) as exchange:
            exchange.start()
            replay = exchange.replay("--theta", "300000", "--mix", "80:10:10", "--slow-ms", "20")
            out, err = replay.communicate(timeout=280)
            self.assertEqual(replay.returncode, 0, err)
            result = json.loads(out)
            self.assertGreater(result["prices_called"], 1_000)
            self.assertGreater(result["quantities_counted"], 500)
            self.assertGreater(result["fills"], 500)
            self.assertLessEqual(set(result["quantities_refused"]),
                                 {"answer_too_late", "not_called", "unknown_product"})
            self.check_journal(exchange)


if __name__ == "__main__":
    unittest.main()
