#!/usr/bin/python3
"""A round with a lottery, over the wire: its secret is announced before the orders and told after."""

import json
import re
import subprocess
import time
import unittest

from exchange import BIN, TOP, Exchange, peerwatt

# Each a lot; the last bid names the price and one of the two sellers goes without.
ORDERS = [("buy", 90), ("buy", 80), ("sell", 30), ("sell", 40)]
LOT_WH = 500


class Lottery(unittest.TestCase):
    def start_homes(self, exchange, delivery_s):
        minute = (exchange.origin + delivery_s) // 900 * 15
        homes = []
        for home, (side, ticks) in enumerate(ORDERS, 1):
            command = [BIN / "peerwatt", "controller", "--to", f"127.0.0.1:{exchange.port}",
                       "--price-ticks", ticks, "--start-minute", minute]
            if home == len(ORDERS):
                start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(minute * 60))
                command = ["/usr/bin/python3", TOP / "tools/controller.py", "--port",
                           exchange.port, "--limit-ticks", ticks, "--start", start]
            command += ["--token", exchange.tokens[str(home)], "--account", home, "--side", side,
                        "--energy-wh", LOT_WH, "--timeout-s", 120]
            log = open(exchange.folder / f"home-{home}.txt", "w+")
            process = subprocess.Popen(list(map(str, command)), stdout=log,
                                       stderr=subprocess.STDOUT)
            self.addCleanup(log.close)
            homes.append((process, log))
            self.wait_for(log, "accepted|answer: client_seq=1 reason=0")  # In time priority.
        return homes

    def wait_for(self, log, what):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            log.seek(0)
            if re.search(what, log.read()):
                return
            time.sleep(0.05)
        log.seek(0)
        self.fail(f"no {what} in:\n{log.read()}")

    def said(self, homes):
        texts = []
        for process, log in homes:
            code = process.wait(timeout=150)
            log.seek(0)
            texts.append(log.read())
            self.assertEqual(code, 0, texts[-1])
        return texts

    def check_draw(self, exchange, texts):
        secrets = {re.search(r"secret[ =]([0-9a-f]{64}),? as announced", text).group(1)
                   for text in texts}
        self.assertEqual(len(secrets), 1, texts)
        winner = [home for home in (3, 4) if "fill: " in texts[home - 1]]
        self.assertEqual(len(winner), 1, texts)
        # Anybody draws again from the book and the secret.
        csv = exchange.folder / "orders.csv"
        rows = [f"{i},{i},{side},{ticks},{LOT_WH}" for i, (side, ticks) in enumerate(ORDERS, 1)]
        csv.write_text("\n".join(["order_id,account,side,price_ticks,energy_wh", *rows, ""]))
        drawn = json.loads(peerwatt("clear", "--rule", "sbba", "--param", f"lot_wh={LOT_WH}",
                                    "--secret", *secrets, csv))
        self.assertEqual([fill["order_id"] for fill in drawn["fills"]], [1, *winner])

    def check_journal(self, exchange):
        exchange.stop()
        self.assertIn("come out as they were recorded",
                      peerwatt("journal", "verify", exchange.data))

    def test_the_secret_that_was_announced_draws_after_a_crash_too(self):
        market = {"rule": "sbba", "lot_wh": LOT_WH}
        with Exchange(homes=4, speed=300, market=market) as exchange:
            exchange.start()
            homes = self.start_homes(exchange, delivery_s=9_000)
            exchange.kill()
            exchange.start()
            self.check_draw(exchange, self.said(homes))
            self.check_journal(exchange)

    def test_a_round_whose_key_is_gone_is_void_and_the_log_says_so(self):
        market = {"rule": "sbba", "lot_wh": LOT_WH}
        with Exchange(homes=4, speed=300, market=market) as exchange:
            exchange.start()
            homes = self.start_homes(exchange, delivery_s=9_000)
            exchange.kill()
            (exchange.data / "lottery.key").unlink()
            self.assertIn("made a new lottery.key", exchange.start())
            texts = self.said(homes)
            self.assertIn("round 1 is void: lottery_secret_lost", texts[0])
            self.assertIn("reason=132", texts[3])
            with open(exchange.folder / "daemon.log") as log:
                self.wait_for(log, "rounds are void: the secret of their lottery")
            self.check_journal(exchange)


if __name__ == "__main__":
    unittest.main()
