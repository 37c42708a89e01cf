#!/usr/bin/python3
"""Clients behind a line that goes dead: no goodbye, no reset, nothing. A short silence costs nothing; a
long one ends the session, and who comes back hears what it has missed. Needs network namespaces, two of
which it makes with a line between them; where they are not allowed it says so and is skipped."""

import ctypes
import os
import pathlib
import re
import socket
import subprocess
import sys
import time
import unittest

from exchange import Exchange, peerwatt
from raw_wire import ANSWER, LOGON_ANSWER, Wire, body, later_start_minute, order
import peerwatt_wire  # In tools, where raw_wire has led us.

HERE, THERE = "192.0.2.1", "192.0.2.2"
CLONE_NEWNET = 0x40000000
SKIPPED = 77
IDLE_SLACK_S = 2
CONFIG = f"""
address = "{HERE}"
insecure = true
[sessions]
idle_slack_ms = {1000 * IDLE_SLACK_S}
slow_reader_timeout_ms = 4000
"""


def run(*words):
    subprocess.run(words, check=True)


class Line:
    """Between this network, where the daemon is, and one of its clients."""

    def __init__(self):
        self.keeper = subprocess.Popen(["unshare", "--net", "sleep", "600"])

    def begin(self):
        here = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{self.keeper.pid}/ns/net") == here:
            time.sleep(0.01)
        run("ip", "link", "add", "here", "type", "veth", "peer", "name", "there", "netns",
            str(self.keeper.pid))
        run("ip", "addr", "add", HERE + "/24", "dev", "here")
        run("ip", "link", "set", "here", "up")
        self.there("ip", "addr", "add", THERE + "/24", "dev", "there")
        self.there("ip", "link", "set", "there", "up")

    def there(self, *words):
        run("nsenter", "--net", "--target", str(self.keeper.pid), *words)

    def cut(self):
        """What is sent goes nowhere, and nobody is told."""
        self.there("ip", "link", "set", "there", "down")

    def mend(self):
        self.there("ip", "link", "set", "there", "up")

    def connect(self, port):
        """From the far end."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/self/ns/net", "rb") as here, \
                open(f"/proc/{self.keeper.pid}/ns/net", "rb") as there:
            assert libc.setns(there.fileno(), CLONE_NEWNET) == 0
            try:
                return socket.create_connection((HERE, port), 10)
            finally:
                assert libc.setns(here.fileno(), CLONE_NEWNET) == 0

    def close(self):
        # Now, and not when the kernel has got round to the network that ends.
        subprocess.run(["ip", "link", "del", "here"], check=False)
        self.keeper.kill()
        self.keeper.wait()


class Client(Wire):
    def __init__(self, exchange, credential, connection, next_event=0, heartbeat_s=1, cancels=False):
        self.socket = connection
        self.account = exchange.accounts_of(credential)[0]
        self.events = []
        self.send(peerwatt_wire.logon_frame(exchange.tokens[str(credential)], next_event,
                                            heartbeat_s, cancels))
        self.seq = body("LogonAnswer", self.receive_type(LOGON_ANSWER)).NextClientSeq()

    def submit(self, start, side, energy_wh):
        self.send(peerwatt_wire.submit_frame(
            self.seq, [order(self.account, self.seq, start, side, 200, energy_wh)]))
        self.seq += 1
        answer = body("Answer", self.receive_type(ANSWER))
        assert (answer.Reason(), answer.RefusedLength()) == (0, 0)

    def hear_fill(self):
        """Its number and energy."""
        fills = body("Fills", self.receive_type(peerwatt_wire.FILLS))
        assert fills.FillsLength() == 1
        return fills.FirstEvent(), fills.Fills(0).EnergyWh()


def sessions_from_there():
    """How many connections from the far end the daemon's side holds."""
    end = f"{int.from_bytes(socket.inet_aton(THERE), 'little'):08X}:"
    rows = pathlib.Path("/proc/self/net/tcp").read_text().splitlines()[1:]
    return sum(row.split()[2].startswith(end) and row.split()[3] == "01" for row in rows)


class Vanished(unittest.TestCase):
    def setUp(self):
        self.line = Line()
        self.addCleanup(self.line.close)
        self.line.begin()
        self.start = later_start_minute()

    def wait_for_end(self):
        began = time.monotonic()
        while sessions_from_there() > 0:
            self.assertLess(time.monotonic() - began, 30, "the session of a dead line goes on")
            time.sleep(0.05)

    def test_a_dead_line_costs_a_client_nothing_that_it_does_not_want_to_lose(self):
        with Exchange(homes=4, credentials=3, market={"rule": "continuous"}) as exchange:
            exchange.config = CONFIG
            exchange.start()
            buyer = Client(exchange, 1, socket.create_connection((HERE, exchange.port), 10),
                           heartbeat_s=300)
            stays = Client(exchange, 2, self.line.connect(exchange.port))
            leaves = Client(exchange, 3, self.line.connect(exchange.port), cancels=True)
            stays.submit(self.start, 1, 300)

            # Shorter than it may be silent: on the same connection it hears what happened.
            self.line.cut()
            buyer.submit(self.start, 0, 100)
            self.line.mend()
            first, energy_wh = stays.hear_fill()
            self.assertEqual((sessions_from_there(), energy_wh), (2, 100))
            leaves.submit(self.start, 1, 1000)

            # Longer: both sessions end, and the orders of the one that asked for it leave.
            self.line.cut()
            buyer.submit(self.start, 0, 200)
            self.wait_for_end()
            buyer.submit(self.start, 0, 50)
            buyer.socket.settimeout(0.5)
            with self.assertRaises(TimeoutError):  # No fill: nobody sells.
                buyer.receive()
            self.line.mend()
            back = Client(exchange, 2, self.line.connect(exchange.port), first + 1)
            self.assertEqual(back.hear_fill(), (first + 1, 200))
            exchange.stop()
            dump = peerwatt("journal", "dump", exchange.data)
            self.assertEqual(re.findall(r"\bdisconnect credential=(\d+)", dump), ["3"], dump)

    def test_one_that_is_owed_fills_is_ended_and_hears_them_when_it_is_back(self):
        """What waits to be acknowledged on a dead line does not hold it for longer either."""
        with Exchange(homes=4, credentials=2, market={"rule": "continuous"}) as exchange:
            exchange.config = CONFIG
            exchange.start()
            buyer = Client(exchange, 1, socket.create_connection((HERE, exchange.port), 10),
                           heartbeat_s=300)
            seller = Client(exchange, 2, self.line.connect(exchange.port), heartbeat_s=300)
            seller.submit(self.start, 1, 1000)
            self.line.cut()
            for _ in range(20):
                buyer.submit(self.start, 0, 10)
            self.wait_for_end()
            self.line.mend()
            back = Client(exchange, 2, self.line.connect(exchange.port), 1)
            heard = []
            while len(heard) < 20:
                fills = body("Fills", back.receive_type(peerwatt_wire.FILLS))
                heard += range(fills.FirstEvent(), fills.FirstEvent() + fills.FillsLength())
            self.assertEqual(heard, list(range(heard[0], heard[0] + 20)))
            exchange.stop()


if __name__ == "__main__":
    if "PEERWATT_OWN_NETWORK" not in os.environ:
        may = subprocess.run(["unshare", "--net", "ip", "link", "add", "here", "type", "veth", "peer",
                              "name", "there"], capture_output=True, text=True)
        if may.returncode != 0:
            print("skipped: no network namespaces here:", may.stderr.strip())
            sys.exit(SKIPPED)
        os.environ["PEERWATT_OWN_NETWORK"] = "1"
        os.execvp("unshare", ["unshare", "--net", sys.executable, "-W", "ignore", *sys.argv])
    run("ip", "link", "set", "lo", "up")
    unittest.main()
