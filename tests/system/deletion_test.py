#!/usr/bin/python3
"""A daemon removes journal files once they are old and everybody has passed them, and nobody who reads
the rest is told less than that its beginning is gone."""

import contextlib
import re
import subprocess
import time
import unittest

from exchange import BIN, Exchange, peerwatt
from missed_test import Client
from raw_wire import order

EVENTS_GONE = 13
DAY_S = 4  # Of real time.


def refusal(*arguments):
    done = subprocess.run([BIN / "peerwatt", *map(str, arguments)], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode != 0, f"peerwatt {arguments}: {done.stdout}"
    return done.returncode, done.stderr


def state(text):
    return re.search(r"seq=(\d+) (?:snapshot=\d+ )?digest=([0-9a-f]{32})", text).groups()


class Deletion(unittest.TestCase):
    def test_takes_what_everybody_has_passed(self):
        with Exchange(homes=2, credentials=1, speed=86_400 // DAY_S) as exchange:
            exchange.config = "[journal]\nkeep_days = 1\nsegment_mib = 8\nbatch_kib = 256\n"
            self.exchange = exchange
            self.assertEqual(self.reader("add", "ledger"), "reader=ledger passed=0\n")
            exchange.start()
            first_event = self.trade()
            for _ in range(4):  # Each start closes a file.
                self.restart()
            self.wait_for("old journal segments stay because of the registered reader ledger")
            self.assertTrue(self.segment(1).exists())
            self.told_apart()
            end = re.search(r"ends=(\d+)", self.reader()).group(1)
            self.assertEqual(self.reader("passed", "ledger", end),
                             f"reader=ledger passed={end}\n")
            removed = self.wait_for(r"removed \d+ journal segments; the journal begins with seq=(\d+)")
            begins = int(removed.group(1))
            self.assertGreater(begins, 1)
            self.assertFalse(self.segment(1).exists())
            self.assertEqual(self.reader().splitlines()[1], f"reader=ledger passed={end}")

            backup = exchange.folder / "backup"
            said = peerwatt("backup", exchange.data, backup)
            exchange.stop()
            self.without_its_beginning(exchange.data)
            digest = peerwatt("journal", "digest", exchange.data)
            self.assertEqual(state(exchange.start()), state(digest))
            exchange.stop()
            self.without_the_outbox(first_event)
            self.without_snapshots()
            self.restored(backup, said, first_event)

    def reader(self, *words):
        return peerwatt("journal", "reader", self.exchange.data, *words)

    def segment(self, number):
        return self.exchange.data / f"shard-0/journal-{number:016x}.seg"

    def restart(self):
        time.sleep(DAY_S / 2)
        self.exchange.stop()
        self.exchange.start()

    def wait_for(self, pattern):
        """What the daemon's log says."""
        log = self.exchange.folder / "daemon.log"
        for _ in range(600):
            found = re.search(pattern, log.read_text())
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"no {pattern} in the log:\n{log.read_text()}")

    def trade(self):
        """Some fills. Returns the first event of them."""
        token = next(iter(self.exchange.tokens.values()))
        accounts = [line.split(",")[0] for line in
                    (self.exchange.setup / "accounts.csv").read_text().splitlines()[1:]]
        with contextlib.closing(Client(self.exchange, token, 0)) as client:
            start = client.logon.ServerTimeNs() // 60_000_000_000 // 15 * 15 + 12 * 60
            orders = [order(int(account), 1, start, side, 200, 100)
                      for side, account in enumerate(accounts)]
            self.assertEqual(client.submit(1, orders).RefusedLength(), 0)
            client.hear(3)  # What the round came to, and two fills.
            return client.numbers[0]

    def told_apart(self):
        """No reader goes back, or beyond the end; none is another's."""
        self.assertEqual(self.reader("passed", "ledger", 2), "reader=ledger passed=2\n")
        for words, due in ((("passed", "ledger", 1), "has passed sequence 2 already"),
                           (("passed", "ledger", 10 ** 12), "the journal ends with sequence"),
                           (("passed", "audit", 1), "audit is not a registered reader"),
                           (("remove", "audit"), "audit is not a registered reader"),
                           (("add", "ledger"), "ledger is registered already"),
                           (("add", "Led/ger"), "allowed is a name of")):
            self.assertIn(due, refusal("journal", "reader", self.exchange.data, *words)[1])
        self.assertRegex(self.reader(), r"^journal begins=1 ends=\d+\nreader=ledger passed=2\n$")
        self.reader("add", "audit")
        damaged = self.exchange.data / "shard-0/reader-audit.txt"
        damaged.write_text("no reader")
        self.wait_for("old journal segments stay because of .*reader-audit.txt: ")
        self.assertIn("reader-audit.txt", refusal("journal", "reader", self.exchange.data)[1])
        self.reader("remove", "audit")

    def without_its_beginning(self, data):
        """What can be read begins behind what is gone, and the rest says so."""
        begins = int(re.search(r"begins=(\d+)", peerwatt("journal", "reader", data)).group(1))
        self.assertRegex(peerwatt("journal", "verify", data),
                         r"come out as they were recorded, from the snapshot of sequence \d+ on")
        self.assertTrue(peerwatt("journal", "dump", data).startswith(f"{begins} "))
        key = self.exchange.folder / "key"
        key.write_bytes(bytes(range(32)))
        acks = self.exchange.folder / "acks"
        acks.write_text("1 1 2 3 0 1\n")
        for words in (("journal", "check-acks", data, acks),
                      ("feed", "export", data, self.exchange.folder / "x.pwfeed",
                       "--key", key)):
            code, said = refusal(*words)
            self.assertEqual(code, 65)
            self.assertIn(f"the journal begins with sequence {begins}", said)

    def without_the_outbox(self, first_event):
        """A client is told that its events are gone, and from which on they are kept."""
        for file in self.exchange.data.glob("shard-0/outbox-*"):
            file.unlink()
        self.assertIn("the outbox lacks events up to", self.exchange.start())
        token = next(iter(self.exchange.tokens.values()))
        with contextlib.closing(Client(self.exchange, token, first_event)) as gone:
            self.assertEqual(gone.logon.Reason(), EVENTS_GONE)
            kept = gone.logon.NextEvent()
            self.assertGreater(kept, first_event)
        with contextlib.closing(Client(self.exchange, token, kept)) as back:
            self.assertEqual(back.logon.Reason(), 0)
        self.exchange.stop()

    def without_snapshots(self):
        """No start begins anew: it says what is missing."""
        aside = {file: file.read_bytes() for file in self.exchange.data.glob("shard-0/snapshot-*")}
        self.assertGreater(len(aside), 0)
        for file in aside:
            file.unlink()
        with self.assertRaisesRegex(AssertionError, "no whole snapshot of sequence"):
            self.exchange.start()
        self.assertEqual(self.exchange.process.returncode, 65)
        self.assertIn("no whole snapshot", refusal("journal", "verify", self.exchange.data)[1])
        for file, data in aside.items():
            file.write_bytes(data)
        self.exchange.start()
        self.exchange.stop()

    def restored(self, backup, said, first_event):
        """A backup of it is a data directory that goes on, and so is what is restored of that: who was
        away hears from it what the original would have told."""
        self.without_its_beginning(backup)
        self.exchange.data = self.exchange.folder / "restored"
        self.assertEqual(peerwatt("restore", backup, self.exchange.data), said)
        log = self.exchange.start()
        self.assertEqual(state(log), state(said))
        self.assertNotIn("the outbox lacks events", log)
        token = next(iter(self.exchange.tokens.values()))
        with contextlib.closing(Client(self.exchange, token, first_event)) as back:
            self.assertEqual(back.logon.Reason(), 0)
            self.assertEqual(back.hear(3), list(range(first_event, first_event + 3)))
        self.exchange.stop()
        self.without_its_beginning(self.exchange.data)


if __name__ == "__main__":
    unittest.main()
