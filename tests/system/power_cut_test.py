#!/usr/bin/python3
"""The power goes under load, again and again: what was acknowledged is there, word for word.

The data directory lies in a filesystem in a file of a second one, and that in a file of a third:

    inner    the data directory. What the daemon has not synced is in memory alone.
    cache    inner's image: a disk with a volatile cache. What inner has written to it and not
             flushed is in memory alone, and reaches the medium in an order of its own.
    medium   cache's image. It is frozen for a moment: then nothing writes to it, the kernel neither,
             while nothing of the two above is flushed. What it holds is what a power cut leaves.

The image is copied while the medium is frozen, and the daemon killed before that thaws. So whatever
the daemon has told rests on what was on the medium before the copy began, to the last answer that
left it. In the copy both filesystems replay their journals, and the daemon goes on with it.

Not tried: a request to the lowest loop device that is done in part, and a medium that does not keep
what it was told to flush; the simulated disk of `tests/engine/journal` does both.
"""

import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from exchange import LONG, Exchange, peerwatt

ROUNDS = 100 if LONG else 20
SKIPPED = 77  # As ctest is told.


def run(*command):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")


def mount(image, folder):
    run("mount", "-t", "ext4", "-o", "loop,noatime", image, folder)


def unmount(folder):
    """A daemon's last write may be under way for a moment after its end."""
    for _ in range(200):
        done = subprocess.run(["umount", folder], capture_output=True, text=True, timeout=60)
        if done.returncode == 0:
            return
        time.sleep(0.05)
    raise AssertionError(f"{folder} stays mounted: {done.stderr}")


def is_as_copied(image, copy):
    """Whether every byte of the image that is not in a hole is in its copy."""
    with open(image, "rb") as one, open(copy, "rb") as other:
        at = 0
        while True:
            try:
                begin = os.lseek(one.fileno(), at, os.SEEK_DATA)
            except OSError:  # From here on it is one hole.
                return at > 0
            at = os.lseek(one.fileno(), begin, os.SEEK_HOLE)
            if os.pread(one.fileno(), at - begin, begin) != \
                    os.pread(other.fileno(), at - begin, begin):
                return False


class Disk:
    """Use as a context: nothing of it is mounted behind it, whatever happened."""

    def __init__(self, folder):
        self.left = folder / "left.img"  # By the last cut.
        self.mounts = [folder / name for name in ("medium", "cache", "inner")]
        self.images = [below / f"{at.name}.img"
                       for below, at in zip([folder, *self.mounts], self.mounts)]

    def __enter__(self):
        try:
            for level, (image, folder) in enumerate(zip(self.images, self.mounts)):
                folder.mkdir()
                with open(image, "wb") as file:
                    file.truncate(4 << (30 - level))  # Sparse; inner may have 1 GiB.
                run("mkfs.ext4", "-q", "-E", "nodiscard", image)
                mount(image, folder)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        subprocess.run(["fsfreeze", "--unfreeze", self.mounts[0]], capture_output=True)
        for folder in reversed(self.mounts):
            subprocess.run(["umount", "--lazy", folder], capture_output=True)

    @property
    def folder(self):
        return self.mounts[-1]

    def cut_power_of(self, daemon):
        """What the medium holds at one instant is left, and of the daemon nothing."""
        medium, image = self.mounts[0], self.images[1]
        run("fsfreeze", "--freeze", medium)
        try:
            run("cp", "--sparse=always", image, self.left)
            daemon.send_signal(signal.SIGKILL)
            assert is_as_copied(image, self.left), "a frozen medium was written to"
        finally:
            run("fsfreeze", "--unfreeze", medium)
        daemon.wait()
        unmount(self.mounts[2])
        unmount(self.mounts[1])
        run("cp", "--sparse=always", self.left, image)
        mount(image, self.mounts[1])
        mount(self.images[2], self.mounts[2])


class PowerCut(unittest.TestCase):
    def test_loses_nothing_that_was_acknowledged(self):
        draw = random.Random(1)
        # The day takes a minute, and there are more days than the rounds can last.
        with Exchange(homes=300, credentials=20, speed=1440,
                      generate=("--days", 2 + ROUNDS // 4)) as exchange, \
                Disk(exchange.folder) as disk:
            exchange.data = shutil.move(exchange.data, disk.folder / "data")
            os.sync()
            self.start(exchange, 0)
            acks = exchange.folder / "acks.txt"
            acks.touch()
            replay = exchange.replay("--acks", acks, "--timeout-s", 3_600)
            lost = from_snapshots = 0
            for number in range(ROUNDS):
                self.wait_for_more(acks, replay)
                time.sleep(draw.uniform(0.0, 1.0))
                unsynced = disk.folder / f"unsynced-{number}"
                unsynced.write_text("in memory alone")
                disk.cut_power_of(exchange.process)
                lost += 0 if unsynced.exists() and unsynced.read_text() else 1
                peerwatt("journal", "check-acks", exchange.data, acks)
                if number == 1:  # It has to notice what is missing.
                    self.refuse(exchange.folder / "before", acks)
                if number == 0:
                    shutil.copytree(exchange.data, exchange.folder / "before")
                replayed = self.state(peerwatt("journal", "digest", exchange.data))
                peerwatt("journal", "verify", exchange.data)
                started = self.start(exchange, number)
                self.assertEqual(self.state(started), replayed)
                from_snapshots += 0 if "snapshot=0" in started else 1
            replay.kill()
            replay.communicate()
            exchange.stop()
            peerwatt("journal", "verify", exchange.data)
            checked = peerwatt("journal", "check-acks", exchange.data, acks)
            answers = int(re.search(r"(\d+) answers", checked).group(1))
            print(f"{ROUNDS} cuts, {lost} lost what was not synced, {from_snapshots} recovered from a"
                  f" snapshot, {answers} answers kept")
            self.assertGreater(lost, ROUNDS // 2)
            self.assertGreater(from_snapshots, ROUNDS // 2)
            self.assertGreater(answers, 100 * ROUNDS)

    def start(self, exchange, number):
        """Through io_uring and through the fallback, by turns."""
        backend = ("auto", "posix")[number % 2]
        exchange.config = f'[journal]\nsegment_mib = 8\nbackend = "{backend}"\n'
        return exchange.start()

    def state(self, said):
        return re.search(r"seq=(\d+) digest=([0-9a-f]{32})", said).groups()

    def refuse(self, data, acks):
        with self.assertRaisesRegex(AssertionError, "acknowledged, but the journal has no such"):
            peerwatt("journal", "check-acks", data, acks)

    def wait_for_more(self, acks, replay):
        """Until orders are answered again, and some more."""
        size = acks.stat().st_size
        for _ in range(1_200):
            if acks.stat().st_size > size + 500:
                return
            self.assertIsNone(replay.poll(), "the replay has ended")
            time.sleep(0.05)
        self.fail("no order is answered")


# For its mounts and its processes: whatever becomes of the test, they go with it.
NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


def loop_mounts_are_refused():
    """Why; empty where they are not."""
    with tempfile.TemporaryDirectory(prefix="peerwatt-loop-") as folder:
        script = ('truncate -s 8M "$1/image" && mkdir "$1/at" && mkfs.ext4 -q "$1/image"'
                  ' && mount -t ext4 -o loop "$1/image" "$1/at" && umount "$1/at"')
        done = subprocess.run([*NAMESPACES, "sh", "-c", script, "sh", folder],
                              capture_output=True, text=True, timeout=60)
        return done.stderr.strip() or "they fail" if done.returncode != 0 else ""


if __name__ == "__main__":
    if "PEERWATT_POWER_CUT" in os.environ:
        unittest.main()
    refused = loop_mounts_are_refused()
    if refused:
        print("skipped: no loop mounts here:", refused)
        sys.exit(SKIPPED)
    os.environ["PEERWATT_POWER_CUT"] = "1"
    os.execvp(NAMESPACES[0], [*NAMESPACES, sys.executable, pathlib.Path(__file__).resolve()])
