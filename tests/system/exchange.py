"""A real peerwattd on loopback, with a data directory of its own, for the system tests."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("PEERWATT_BIN", TOP / "build/release/bin"))
LONG = "PEERWATT_LONG" in os.environ


def peerwatt(*arguments, **more):
    """Runs the tool; its output as text."""
    done = subprocess.run([BIN / "peerwatt", *map(str, arguments)], capture_output=True, text=True,
                          timeout=300, **more)
    if done.returncode != 0:
        raise AssertionError(f"peerwatt {arguments}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def set_market(path, values):
    """Puts values into a market file with one market; what the new rule does not have is left out."""
    text = path.read_text()
    if "rule" in values:
        text = re.sub(r"(?m)^(margin|price|k) = .*\n", "", text)
    for key, value in values.items():
        line = f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}"
        text, found = re.subn(rf"(?m)^{key} = .*$", line, text)
        text += "" if found else line + "\n"
    path.write_text(text)


def make_certificates(folder, count):
    """An authority's, the daemon's, and those of credentials 1 to count."""
    subprocess.run([TOP / "tools/make_certificates", folder, str(count)], check=True)
    return folder


class Exchange:
    """Use as a context: everything ends with it. With certificates it is over TLS, and credentials 1
    to that number have one."""

    def __init__(self, homes, credentials=0, speed=1, hours_before=0.0, generate=(), market=None,
                 certificates=0):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="peerwatt-test-"))
        self.feed = self.folder / "day.pwfeed"
        self.setup = self.folder / "setup"
        self.data = self.folder / "data"
        self.process = None
        self.replays = []
        self.port = 0
        self.config = ""  # More of the configuration file, as TOML.
        peerwatt("feed", "generate", self.feed, "--homes", homes, *generate)
        peerwatt("feed", "setup", self.feed, self.setup, "--credentials", credentials,
                 "--seed", 1)
        set_market(self.setup / "markets.toml", market or {})
        clock = []
        self.origin = None  # Exchange time at the start, in seconds, of a demo clock.
        if speed > 1:
            info = peerwatt("feed", "info", self.feed)
            first = re.search(r"^(\S+)\.\d+Z to ", info, re.M).group(1)
            seconds = int(subprocess.check_output(["date", "-u", "-d", first + "Z", "+%s"]))
            self.origin = seconds - 5 * speed - int(hours_before * 3600)
            origin = time.gmtime(self.origin)
            clock = ["--demo-clock", str(speed), "--clock-origin",
                     time.strftime("%Y-%m-%dT%H:%M:%SZ", origin)]
        self.certificates = None
        if certificates > 0:
            self.certificates = make_certificates(self.folder / "certificates", certificates)
            self.config = (f'[tls]\ncertificate = "{self.certificates}/daemon.pem"\n'
                           f'key = "{self.certificates}/daemon.key"\n'
                           f'authorities = "{self.certificates}/authorities.pem"\n')
            known = min(certificates, credentials)
            rows = (self.certificates / "certificates.csv").read_text().splitlines()[:known + 1]
            (self.setup / "certificates.csv").write_text("\n".join(rows) + "\n")
            clock += ["--certificates", self.setup / "certificates.csv"]
        subprocess.run([BIN / "peerwattd", "init", "--data", self.data,
                        "--markets", self.setup / "markets.toml",
                        "--accounts", self.setup / "accounts.csv",
                        "--credentials", self.setup / "credentials.csv", *clock],
                       check=True, stdout=subprocess.DEVNULL)
        rows = (self.setup / "tokens.csv").read_text().splitlines()[1:]
        self.tokens = dict(row.split(",") for row in rows)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.kill()
        for replay in self.replays:
            if replay.poll() is None:
                replay.kill()
                replay.communicate()
        if kind is None:
            shutil.rmtree(self.folder)
        else:
            print("kept:", self.folder, file=sys.stderr)

    def start(self):
        """Starts the daemon on the port it had before, and waits until it listens."""
        config = self.folder / "peerwattd.toml"
        config.write_text(f"[listen]\nport = {self.port}\n" + self.config)
        log = self.folder / "daemon.log"
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                [BIN / "peerwattd", "run", "--data", self.data, "--config", config], stderr=out)
        for _ in range(600):
            text = log.read_text()
            found = re.search(r"listening on [\d.]+:(\d+)", text)
            if found:
                self.port = int(found.group(1))
                return text
            if self.process.poll() is not None:
                raise AssertionError("the daemon ended:\n" + text)
            time.sleep(0.05)
        raise AssertionError("the daemon does not listen:\n" + log.read_text())

    def kill(self):
        """As if the power of the process went: no warning."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=30) == 0

    def resident_mib(self, what="VmRSS"):
        """The daemon's memory now, or with VmHWM the most that it ever was."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(what + r":\s+(\d+)", status).group(1)) / 1024

    def accounts_of(self, credential):
        """The numbers of its accounts."""
        rows = (self.setup / "accounts.csv").read_text().splitlines()
        names = rows[0].split(",")
        account, owner = names.index("account"), names.index("credential")
        return [int(row.split(",")[account]) for row in rows[1:]
                if int(row.split(",")[owner]) == credential]

    def replay(self, *arguments, **more):
        """The replay's process, which the caller waits for or ends."""
        if self.certificates is not None:
            arguments += ("--authorities", self.certificates / "authorities.pem",
                          "--certificates", self.certificates)
        self.replays.append(subprocess.Popen(
            [BIN / "peerwatt", "replay", self.feed, "--to", f"127.0.0.1:{self.port}",
             "--setup", self.setup, "--json", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more))
        return self.replays[-1]
