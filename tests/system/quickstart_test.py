#!/usr/bin/python3
"""tools/quickstart with a small city and a fast clock, from its command line to its last word."""

import os
import pathlib
import re
import shlex
import signal
import subprocess
import tempfile
import time
import unittest

from exchange import TOP

LOAD = "hour,a,b\n" + "".join(f"{hour},{0.4 + hour % 3 / 10},0.8\n" for hour in range(48))
PV = "hour,a,b\n" + "".join(f"{hour},{2.5 if 9 <= hour % 24 < 16 else 0},0\n" for hour in range(48))


def quickstart(*arguments):
    """What it prints, read to the end of the pipe: nobody may keep that open."""
    day = {"PEERWATT_HOMES": "20", "PEERWATT_SPEED": "2880"}
    done = subprocess.run([TOP / "tools/quickstart", *map(str, arguments)], capture_output=True,
                          text=True, timeout=300, env={**os.environ, **day})
    if done.returncode != 0:
        raise AssertionError(f"quickstart: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


class Quickstart(unittest.TestCase):
    def check_day(self, said):
        """The table, the counts and the digest are there."""
        self.assertIn("seeded policy", said)
        self.assertRegex(said, r"(?m)^12:00 +\d\.\d{3} ")
        self.assertRegex(said, r"(?m)^day ")
        self.assertGreater(int(re.search(r"(?m)^fills +(\d+)", said).group(1)), 0)
        self.assertRegex(said, r"digest=[0-9a-f]{32}")

    def test_keep_ends_with_a_daemon_that_trades_by_the_command_it_shows(self):
        said = quickstart("--keep")
        daemon = int(re.search(r"goes on as process (\d+)", said).group(1))
        folder = pathlib.Path(re.search(r"(?m)^Stop it:\n.*; rm -rf (\S+)$", said).group(1))
        try:
            self.check_day(said)
            digest = re.search(r"digest=([0-9a-f]{32})", said).group(1)
            self.assertIn(f"digest={digest}", (folder / "daemon.log").read_text())
            command = shlex.split(re.search(r"(?m)^  (\S+ controller .*)$", said).group(1))
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("accepted", done.stdout)
            self.assertIn("round 1 of 1", done.stdout)
        finally:
            os.kill(daemon, signal.SIGTERM)
            for _ in range(300):
                if not is_running(daemon):
                    break
                time.sleep(0.1)
        self.assertFalse(is_running(daemon))
        subprocess.run(["rm", "-rf", folder], check=True)

    def test_profiles_trade_as_measured_homes_and_leave_nothing_behind(self):
        before = set((TOP / "build").glob("quickstart.*"))
        with tempfile.TemporaryDirectory() as folder:
            load, pv = pathlib.Path(folder, "load.csv"), pathlib.Path(folder, "pv.csv")
            load.write_text(LOAD)
            pv.write_text(PV)
            said = quickstart("--profiles", load, pv, "--zone", "Europe/Berlin", "--unit", "kw")
        self.check_day(said)
        self.assertEqual(set((TOP / "build").glob("quickstart.*")), before)

    def test_profiles_need_two_files(self):
        done = subprocess.run([TOP / "tools/quickstart", "--profiles", "load.csv"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 64)
        self.assertIn("takes two files", done.stderr)


if __name__ == "__main__":
    unittest.main()
