#!/usr/bin/python3
"""A daemon whose disk is full refuses orders, takes cancels, clears, is started again if it dies, and
trades again once there is space."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import flatbuffers

from exchange import BIN, Exchange, peerwatt
from raw_wire import ANSWER, Client, Wire, body, order
from peerwatt_wire import ROUND_CLEARED, frame, submit_frame, wire  # Where raw_wire has led us.

CANCEL_ALL = 19
DISK_FULL = 12
SPEED = 1800  # A slot of a quarter of an hour takes half a second.
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

    def test_starts_again_after_a_crash_on_a_full_disk(self):
        with Exchange(homes=2, credentials=1, speed=SPEED) as exchange:
            # To the last byte: what is no part of the data lies elsewhere.
            exchange.folder = pathlib.Path(
                tempfile.mkdtemp(dir=pathlib.Path(os.environ["TMPDIR"]).parent))
            exchange.config = "[journal]\nsegment_mib = 8\nsnapshot_segments = 0\n"
            exchange.start()
            start = exchange.origin // 60 // 15 * 15 + 12 * 15  # Six seconds from now.
            answer = self.submit(exchange, 1, start)
            self.assertEqual((answer.Reason(), answer.RefusedLength()), (0, 0))
            self.wait_until(lambda: self.has_spare(exchange))
            ballast = self.fill(exchange)
            exchange.kill()
            exchange.start()
            self.wait_for("new orders are refused", exchange.folder / "daemon.log")

            client = Wire(exchange.port)
            client.log_on(next(iter(exchange.tokens.values())))
            self.assertEqual(body("RoundCleared", client.receive_type(ROUND_CLEARED)).EnergyWh(),
                             100)
            client.close()
            self.assertEqual(self.submit(exchange, 2, start + 16 * 15).Reason(), DISK_FULL)
            answer = self.ask(exchange, cancel_all_frame(2))
            self.assertEqual((answer.Reason(), answer.Sequenced()), (0, True))
            exchange.kill()  # Now without a spare.
            exchange.start()
            self.wait_for("new orders are refused", exchange.folder / "daemon.log")
            answer = self.ask(exchange, cancel_all_frame(3))
            self.assertEqual((answer.Reason(), answer.Sequenced()), (0, True))

            ballast.unlink()
            self.wait_for("there is space", exchange.folder / "daemon.log")
            answer = self.submit(exchange, 4, start + 16 * 15)
            self.assertEqual((answer.Reason(), answer.RefusedLength()), (0, 0))
            exchange.stop()
            peerwatt("journal", "verify", exchange.data)

    def test_tells_who_was_away_what_happened_though_nothing_of_it_could_be_written(self):
        with Exchange(homes=2, credentials=1, speed=SPEED) as exchange:
            exchange.folder = pathlib.Path(
                tempfile.mkdtemp(dir=pathlib.Path(os.environ["TMPDIR"]).parent))
            exchange.config = "[journal]\nsegment_mib = 8\nsnapshot_segments = 0\n"
            exchange.start()
            token = next(iter(exchange.tokens.values()))
            start = exchange.origin // 60 // 15 * 15 + 10 * 15  # Five seconds from now.
            self.assertEqual(self.submit(exchange, 1, start).Reason(), 0)
            self.assertEqual(self.submit(exchange, 2, start + 14 * 15).Reason(), 0)
            told = 3  # Of each round what it came to, and two fills.
            there = Client(exchange, token, 0)
            first = there.logon.NextEvent()
            self.assertEqual(there.hear(told), list(range(first, first + told)))
            there.close()
            self.wait_until(lambda: self.has_spare(exchange) and self.has_events(exchange))
            ballast = self.fill(exchange)
            exchange.kill()
            exchange.start()  # The outbox begins another file then, and cannot.
            log = exchange.folder / "daemon.log"
            self.wait_for("the outbox holds in memory", log)

            numbers = list(range(first, first + 2 * told))
            there = Client(exchange, token, first)
            self.assertEqual(there.hear(2 * told), numbers)
            there.close()
            self.hears_again(exchange, numbers)
            ballast.unlink()
            self.wait_for("the outbox has space again", log)
            self.hears_again(exchange, numbers)
            exchange.kill()
            exchange.start()
            self.hears_again(exchange, numbers)
            exchange.stop()

    def hears_again(self, exchange, numbers):
        """Somebody who was away when these events were told."""
        back = Client(exchange, next(iter(exchange.tokens.values())), numbers[0])
        self.assertEqual(back.hear(len(numbers)), numbers)
        back.close()

    def ask(self, exchange, request):
        client = Wire(exchange.port)
        client.log_on(next(iter(exchange.tokens.values())))
        client.send(request)
        answer = body("Answer", client.receive_type(ANSWER))
        client.close()
        return answer

    def submit(self, exchange, client_seq, start):
        """A bid and an ask that trade, for that slot; their answer."""
        accounts = [line.split(",")[0] for line in
                    (exchange.setup / "accounts.csv").read_text().splitlines()[1:]]
        return self.ask(exchange, submit_frame(
            client_seq, [order(int(account), client_seq, start, side, 200, 100)
                         for side, account in enumerate(accounts)]))

    def has_spare(self, exchange):
        """Whether nothing was written to the last segment yet, and none is being made."""
        files = sorted(exchange.data.glob("shard-0/journal-*"))
        with open(files[-1], "rb") as file:
            return files[-1].suffix == ".seg" and not any(file.read(4096))

    def has_events(self, exchange):
        """Whether the outbox has written any: a file without one is begun anew by the next start."""
        return any(file.stat().st_size > 64 for file in exchange.data.glob("shard-0/outbox-*"))

    def fill(self, exchange):
        """So that no byte more can be written."""
        ballast = exchange.data.parent / "ballast"
        with open(ballast, "wb", buffering=0) as file:
            for size in (MIB, 4096, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    pass
        self.assertEqual(os.statvfs(exchange.data).f_bavail, 0)
        return ballast

    def wait_until(self, holds):
        for _ in range(600):
            if holds():
                return
            time.sleep(0.05)
        self.fail("in vain")

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
