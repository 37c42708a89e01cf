#!/usr/bin/python3
"""Backups of a daemon under load come to the state it had, and a daemon goes on from one."""

import re
import subprocess
import time
import unittest

from exchange import BIN, Exchange, peerwatt


def state(text):
    return re.search(r"seq=(\d+) (?:snapshot=\d+ )?digest=([0-9a-f]{32})", text).groups()


class Backup(unittest.TestCase):
    def test_of_a_daemon_under_load_is_what_it_was_at_that_instant(self):
        with Exchange(homes=200, credentials=20, speed=1440) as exchange:
            exchange.start()
            replay = exchange.replay("--timeout-s", 280)
            made = {}
            for number in range(3):
                time.sleep(3)
                folder = exchange.folder / f"backup-{number}"
                made[folder] = peerwatt("backup", exchange.data, folder)
            self.assertIsNone(replay.poll(), "the replay ended before the last backup")
            _, err = replay.communicate(timeout=290)
            self.assertEqual(replay.returncode, 0, err)
            exchange.stop()
            whole = peerwatt("journal", "dump", exchange.data)
            records = 0
            for folder, said in made.items():
                dump = peerwatt("journal", "dump", folder)
                self.assertTrue(whole.startswith(dump))
                self.assertGreater(len(whole), len(dump))
                self.assertGreater(int(state(said)[0]), records)
                records = int(state(said)[0])
                self.assertEqual(state(peerwatt("journal", "digest", folder)), state(said))
            self.restored(exchange, folder, said)

    def test_on_a_medium_that_nobody_can_write_is_restored(self):
        if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
            self.skipTest("this user may not make a mount namespace")
        with Exchange(homes=4) as exchange:
            backup = exchange.folder / "backup"
            said = peerwatt("backup", exchange.data, backup)
            script = ('mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && ! touch "$1/x" 2>&1'
                      ' && exec "$2" restore "$1" "$3"')
            done = subprocess.run(
                ["unshare", "--mount", "sh", "-c", script, "sh", backup, BIN / "peerwatt",
                 exchange.folder / "restored"], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(done.stdout.endswith(said), done.stdout)

    def restored(self, exchange, backup, said):
        """A daemon on what was restored begins where the backup was made."""
        original = exchange.data
        exchange.data = exchange.folder / "restored"
        self.assertEqual(peerwatt("restore", backup, exchange.data), said)
        self.assertEqual(state(exchange.start()), state(said))
        exchange.stop()
        peerwatt("journal", "verify", exchange.data)
        again = subprocess.run([BIN / "peerwatt", "restore", backup, original],
                               capture_output=True, text=True, timeout=60)
        self.assertNotEqual(again.returncode, 0)
        self.assertIn(f"{original} is a data directory already", again.stderr)


if __name__ == "__main__":
    unittest.main()
