#!/usr/bin/python3
"""Many clients, hostile clients, and clients in another language, against a real daemon."""

import json
import random
import socket
import subprocess
import unittest

from exchange import BIN, TOP, Exchange, peerwatt
from raw_wire import ANSWER, TERMINATE, Wire, later_start_minute, order
import peerwatt_wire


class Clients(unittest.TestCase):
    def test_thousand_connections_trade_at_once(self):
        with Exchange(homes=1000, speed=2880, generate=("--slot-minutes", 60)) as exchange:
            exchange.start()
            out, err = exchange.replay("--timeout-s", 200).communicate(timeout=220)
            self.assertTrue(out, err)
            result = json.loads(out)
            self.assertGreater(result["accepted"], 15_000)
            self.assertGreater(result["fills"], 3_000)
            exchange.stop()
            peerwatt("journal", "verify", exchange.data)

    def test_one_credential_acts_for_ten_thousand_accounts(self):
        with Exchange(homes=10_000, credentials=1, generate=("--slot-minutes", 60)) as exchange:
            exchange.start()
            out, err = exchange.replay("--rate", "max", "--batch", 500,
                                       "--timeout-s", 200).communicate(timeout=220)
            self.assertTrue(out, err)
            result = json.loads(out)
            self.assertGreater(result["accepted"], 150_000)
            exchange.stop()
            peerwatt("journal", "verify", exchange.data)

    def test_a_fuzzed_port_keeps_serving_its_other_clients(self):
        draw = random.Random(1)
        with Exchange(homes=4) as exchange:
            exchange.start()
            start = later_start_minute()
            good = Wire(exchange.port)
            good.log_on(exchange.tokens["1"])
            frame = peerwatt_wire.logon_frame(exchange.tokens["2"], 0, 30)
            for i in range(200):
                with socket.create_connection(("127.0.0.1", exchange.port), 10) as bad:
                    noise = bytearray(frame * draw.randrange(1, 3))
                    for _ in range(draw.randrange(1, 20)):
                        noise[draw.randrange(len(noise))] = draw.randrange(256)
                    if i % 3 == 0:
                        noise = draw.randbytes(draw.randrange(1, 5_000))
                    bad.sendall(bytes(noise[:draw.randrange(1, len(noise) + 1)]))
                if i % 20 == 0:
                    good.send(peerwatt_wire.submit_frame(
                        i // 20 + 1, [order(1, i + 1, start, 0, 200, 5)]))
                    self.assertTrue(good.receive_type(ANSWER))
            good.close()
            exchange.stop()

    def test_a_bad_token_is_refused_with_a_number(self):
        with Exchange(homes=2) as exchange:
            exchange.start()
            wire = Wire(exchange.port)
            wire.send(peerwatt_wire.logon_frame("pw_wrong", 0, 30))
            frames = []
            while (received := wire.receive()) is not None:
                frames.append(received)
            # Not authorised: by number, and that coming back would not help.
            self.assertEqual([kind for kind, _ in frames],
                             [peerwatt_wire.LOGON_ANSWER, peerwatt_wire.TERMINATE])
            answer = peerwatt_wire.wire("LogonAnswer").LogonAnswer.GetRootAs(frames[0][1][8:], 0)
            self.assertEqual(answer.Reason(), 102)
            end = peerwatt_wire.wire("Terminate").Terminate.GetRootAs(frames[1][1][8:], 0)
            self.assertEqual((end.Reason(), end.ReconnectAfterMs()), (5, 0))
            wire.close()

    def test_controllers_that_name_no_product_trade_in_the_next(self):
        with Exchange(homes=2, speed=600) as exchange:
            exchange.start()
            done = subprocess.run(
                ["/usr/bin/python3", TOP / "tools/controller.py", "--port", str(exchange.port),
                 "--token", exchange.tokens["1"], "--account", "1", "--side", "sell",
                 "--limit-ticks", "150", "--energy-wh", "700", "--timeout-s", "60"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=90)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertIn("round cleared", done.stdout)
            done = subprocess.run(
                [BIN / "peerwatt", "controller", "--to", f"127.0.0.1:{exchange.port}",
                 "--token", exchange.tokens["2"], "--account", "2", "--side", "buy",
                 "--price-ticks", "250", "--energy-wh", "500", "--timeout-s", "60"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=90)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertIn("nothing traded", done.stdout)
            # A refusal is told as what it is.
            done = subprocess.run(
                [BIN / "peerwatt", "controller", "--to", f"127.0.0.1:{exchange.port}",
                 "--token", exchange.tokens["2"], "--account", "2", "--side", "buy",
                 "--price-ticks", "999999", "--energy-wh", "500", "--client-order-id", "2"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=90)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("price_outside_band", done.stdout)

    def test_a_python_controller_trades_with_a_cpp_one(self):
        with Exchange(homes=2, speed=600) as exchange:
            exchange.start()
            info = peerwatt("feed", "info", exchange.feed)
            day = info.splitlines()[2][:10]
            delivery = f"{day}T23:00:00Z"
            minute = int(subprocess.check_output(["date", "-u", "-d", delivery, "+%s"])) // 60
            seller = subprocess.Popen(
                ["/usr/bin/python3", TOP / "tools/controller.py", "--port", str(exchange.port),
                 "--token", exchange.tokens["1"], "--account", "1", "--market", "1",
                 "--side", "sell", "--limit-ticks", "150", "--energy-wh", "700",
                 "--start", delivery, "--timeout-s", "240"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            buyer = subprocess.Popen(
                [BIN / "peerwatt", "controller", "--to", f"127.0.0.1:{exchange.port}",
                 "--token", exchange.tokens["2"], "--account", "2", "--side", "buy",
                 "--price-ticks", "250", "--energy-wh", "500", "--start-minute", str(minute),
                 "--timeout-s", "240"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            bought, _ = buyer.communicate(timeout=260)
            sold, _ = seller.communicate(timeout=260)
            self.assertEqual(buyer.returncode, 0, bought)
            self.assertEqual(seller.returncode, 0, sold)
            # The seller's ask is left over in part, so its limit is the price.
            self.assertIn("500 Wh at 150 ticks", bought)
            self.assertIn("500 Wh", sold)


if __name__ == "__main__":
    unittest.main()
