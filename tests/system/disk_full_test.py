#!/usr/bin/python3
"""A daemon whose disk is full refuses orders, takes cancels, and trades again once there is space."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import flatbuffers

from exchange import BIN, Exchange
from raw_wire import ANSWER, Wire
from peerwatt_wire import frame, wire  # In tools, where raw_wire has led us.

CANCEL_ALL = 19
MIB = 1 << 20


def cancel_all_frame(client_seq):
    builder = flatbuffers.Builder(64)
    table = wire("CancelAll")
    table.CancelAllStart(builder)
    table.CancelAllAddClientSeq(builder, client_seq)
    return frame(CANCEL_ALL, builder, table.CancelAllEnd(builder))


class DiskFull(unittest.TestCase):
    def bid(self, exchange):
        """What a controller that submits one order says, and how it ends."""
        credential, token = next(iter(exchange.tokens.items()))
        account = next(line.split(",")[0]
                       for line in (exchange.setup / "accounts.csv").read_text().splitlines()[1:]
                       if line.split(",")[4] == credential)
        done = subprocess.run(
            [BIN / "peerwatt", "controller", "--to", f"127.0.0.1:{exchange.port}", "--token", token,
             "--account", account, "--side", "buy", "--price-ticks", "200", "--energy-wh", "100",
             "--timeout-s", "3"], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def test_stops_orders_alone_and_only_until_there_is_space(self):
        with Exchange(homes=4) as exchange:
            exchange.config = "[journal]\nsegment_mib = 8\nsnapshot_segments = 0\n"
            for made_ahead in exchange.data.glob("shard-0/*.new"):
                made_ahead.unlink()
            ballast = exchange.folder / "ballast"
            left = os.statvfs(exchange.folder)
            with open(ballast, "wb") as file:
                file.write(bytes(left.f_bavail * left.f_frsize - 12 * MIB))
            exchange.start()
            log = exchange.folder / "daemon.log"
            self.wait_for("new orders are refused", log)
            code, said = self.bid(exchange)
            self.assertEqual(code, 65, said)
            self.assertIn("refused: disk_full (12)", said)

            client = Wire(exchange.port)
            client.log_on(next(iter(exchange.tokens.values())))
            client.send(cancel_all_frame(1))
            answer = wire("Answer").Answer.GetRootAs(client.receive_type(ANSWER)[8:], 0)
            self.assertEqual((answer.Reason(), answer.Sequenced()), (0, True))
            client.close()

            ballast.unlink()
            self.wait_for("there is space", log)
            code, said = self.bid(exchange)
            self.assertEqual(code, 69, said)  # Its round is hours away.
            self.assertIn("accepted", said)
            exchange.stop()

    def wait_for(self, words, log):
        for _ in range(600):
            if words in log.read_text():
                return
            time.sleep(0.05)
        self.fail(f"the daemon does not say '{words}':\n" + log.read_text())


def in_a_small_filesystem():
    """Runs this test again in a mount namespace of its own, in a filesystem that can be filled."""
    folder = tempfile.mkdtemp(prefix="peerwatt-disk-")
    script = 'mount -t tmpfs -o size=192m none "$1" && TMPDIR="$1" PEERWATT_SMALL_DISK=1 exec "$2" "$3"'
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", folder, sys.executable,
                           pathlib.Path(__file__).resolve()])
    os.rmdir(folder)
    return done.returncode


if __name__ == "__main__":
    if "PEERWATT_SMALL_DISK" in os.environ:
        unittest.main()
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
        print("skipped: this user may not make a mount namespace")
        sys.exit(77)  # As ctest is told.
    sys.exit(in_a_small_filesystem())
