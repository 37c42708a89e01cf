#!/usr/bin/python3
"""A real daemon over TLS: who gets in, who does not, and who is put out while others stay."""

import contextlib
import signal
import ssl
import subprocess
import sys
import time
import unittest
import warnings

from exchange import BIN, TOP, Exchange, make_certificates, peerwatt
from raw_wire import ANSWER, LOGON_ANSWER, TERMINATE, Wire, body, later_start_minute, order
import peerwatt_wire  # In tools, where raw_wire has led us.

NOT_AUTHORISED, NOT_YOUR_ACCOUNT = 102, 107
CERTIFICATE = 19  # Why a session was ended.


def context_of(folder, credential, version=None):
    context = ssl.create_default_context(cafile=folder / "authorities.pem")
    context.load_cert_chain(folder / f"{credential}.pem")
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


class SecureWire(Wire):
    def __init__(self, port, context, session=None):
        super().__init__(port)
        plain = self.socket
        try:
            self.socket = context.wrap_socket(plain, server_hostname="127.0.0.1", session=session)
        except BaseException:
            plain.close()
            raise

    def log_on(self, token=""):
        return body("LogonAnswer", super().log_on(token))

    def submit(self, client_seq, orders):
        self.send(peerwatt_wire.submit_frame(client_seq, orders))
        return body("Answer", self.receive_type(ANSWER))


def revoke(folder, credentials):
    """The authority's list of what is revoked, as revoked.pem."""
    (folder / "index.txt").touch()
    (folder / "crlnumber").write_text("01\n")
    (folder / "ca.conf").write_text(
        "[ca]\ndefault_ca = here\n[here]\ndatabase = index.txt\ncrlnumber = crlnumber\n"
        "default_md = sha256\ndefault_crl_days = 30\n")
    ca = ["openssl", "ca", "-config", "ca.conf", "-keyfile", "authority.key", "-cert",
          "authorities.pem"]
    for credential in credentials:
        subprocess.run([*ca, "-revoke", f"{credential}.pem"], cwd=folder, check=True,
                       stderr=subprocess.DEVNULL)
    subprocess.run([*ca, "-gencrl", "-out", "revoked.pem"], cwd=folder, check=True,
                   stderr=subprocess.DEVNULL)


def issue_ended(folder):
    """A certificate of the authority that ended years ago, with its key, as ended.pem."""
    (folder / "ended.txt").touch()
    (folder / "serial").write_text("77\n")
    (folder / "ended.conf").write_text(
        "[ca]\ndefault_ca = here\n[here]\ndatabase = ended.txt\nserial = serial\n"
        "new_certs_dir = .\ndefault_md = sha256\npolicy = any\nx509_extensions = client\n"
        "[any]\ncommonName = supplied\n[client]\nbasicConstraints = critical,CA:FALSE\n"
        "extendedKeyUsage = clientAuth\n")
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=ended", "-keyout",
                    "ended.key", "-out", "ended.csr"], cwd=folder, check=True,
                   stderr=subprocess.DEVNULL)
    subprocess.run(["openssl", "ca", "-batch", "-config", "ended.conf", "-keyfile",
                    "authority.key", "-cert", "authorities.pem", "-startdate", "20200101000000Z",
                    "-enddate", "20210101000000Z", "-notext", "-in", "ended.csr", "-out",
                    "ended.crt"], cwd=folder, check=True, stderr=subprocess.DEVNULL)
    (folder / "ended.pem").write_text(
        (folder / "ended.crt").read_text() + (folder / "ended.key").read_text())


class Tls(unittest.TestCase):
    def reload(self, exchange, word):
        """Has the daemon read its files again, and waits until it says so."""
        log = exchange.folder / "daemon.log"
        before = len(log.read_text())
        exchange.process.send_signal(signal.SIGHUP)
        for _ in range(200):
            said = log.read_text()[before:]
            if word in said:
                return said
            time.sleep(0.05)
        raise AssertionError(f"no {word!r} in the log: {said}")

    def test_clients_of_every_kind_trade_over_it(self):
        with Exchange(homes=40, credentials=4, certificates=4) as exchange:
            started = exchange.start()
            self.assertIn("over TLS", started)
            replay = exchange.replay("--rate", "max", "--wait-s", 0, "--timeout-s", 60)
            _, err = replay.communicate(timeout=90)
            self.assertEqual(replay.returncode, 0, err)
            account = exchange.accounts_of(1)[0]
            common = ["--account", account, "--side", "buy", "--energy-wh", 100, "--timeout-s", 3,
                      "--authorities", exchange.certificates / "authorities.pem",
                      "--certificate", exchange.certificates / "1.pem"]
            tool = [BIN / "peerwatt", "controller", "--to", f"127.0.0.1:{exchange.port}",
                    "--price-ticks", 200]
            sample = [sys.executable, TOP / "tools/controller.py", "--port", exchange.port,
                      "--limit-ticks", 200]
            for program, answered in ((tool, "accepted"), (sample, "reason=0 refused=[]")):
                done = subprocess.run([str(word) for word in program + common],
                                      capture_output=True, text=True, timeout=60)
                self.assertIn(answered, done.stdout, done.stderr)
            exchange.stop()
            self.assertIn("define_certificate", peerwatt("journal", "dump", exchange.data))

    def test_only_who_belongs_gets_in(self):
        with Exchange(homes=4, credentials=2, certificates=3) as exchange:
            exchange.start()
            folder = exchange.certificates
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                wire = SecureWire(exchange.port, context_of(folder, 1, version))
                self.assertEqual(wire.log_on().Reason(), 0, version)
                wire.close()
            # TLS 1.1, an authority that nobody knows, one that has ended, no certificate, no TLS,
            # a token.
            old = context_of(folder, 1)
            old.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings(action="ignore"):
                old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
            with self.assertRaisesRegex(ssl.SSLError, "PROTOCOL_VERSION"):
                SecureWire(exchange.port, old)
            others = make_certificates(exchange.folder / "others", 1)
            stranger = ssl.create_default_context(cafile=folder / "authorities.pem")
            stranger.load_cert_chain(others / "1.pem")
            bare = ssl.create_default_context(cafile=folder / "authorities.pem")
            issue_ended(folder)
            for context, alert in ((stranger, "UNKNOWN_CA"), (bare, "CERTIFICATE_REQUIRED"),
                                   (context_of(folder, "ended"), "CERTIFICATE_EXPIRED")):
                wire = SecureWire(exchange.port, context)  # TLS 1.3 says so with the first bytes.
                with self.assertRaisesRegex(ssl.SSLError, alert):
                    wire.log_on()
                wire.close()
            plain = Wire(exchange.port)
            plain.send(peerwatt_wire.logon_frame(exchange.tokens["1"], 0, 30))
            with contextlib.suppress(ConnectionResetError):
                while (received := plain.socket.recv(1000)) != b"":
                    self.assertLess(len(received), 16, "an alert at most")
            plain.close()
            wire = SecureWire(exchange.port, context_of(folder, 1))
            wire.send(peerwatt_wire.logon_frame(exchange.tokens["1"], 0, 30))
            self.assertEqual(body("Answer", wire.receive_type(ANSWER)).Reason(), 1)
            wire.close()
            # The third is of the authority, and of no credential.
            wire = SecureWire(exchange.port, context_of(folder, 3))
            self.assertEqual(wire.log_on().Reason(), NOT_AUTHORISED)
            wire.close()
            # Nobody acts for another's account.
            start = later_start_minute()
            wire = SecureWire(exchange.port, context_of(folder, 1))
            wire.log_on()
            other = exchange.accounts_of(2)[0]
            answer = wire.submit(1, [order(other, 1, start, 0, 200, 100)])
            self.assertEqual(answer.Refused(0).Reason(), NOT_YOUR_ACCOUNT)
            wire.close()
            exchange.stop()

    def test_a_ticket_saves_a_handshake(self):
        with Exchange(homes=2, credentials=1, certificates=1) as exchange:
            exchange.start()
            context = context_of(exchange.certificates, 1)
            first = SecureWire(exchange.port, context)
            self.assertEqual(first.log_on().Reason(), 0)
            self.assertFalse(first.socket.session_reused)
            ticket = first.socket.session
            first.close()
            again = SecureWire(exchange.port, context, ticket)
            self.assertTrue(again.socket.session_reused)
            self.assertEqual(again.log_on().Reason(), 0)
            again.close()
            exchange.stop()

    def test_who_is_revoked_is_put_out_and_nobody_else(self):
        with Exchange(homes=4, credentials=2, certificates=2) as exchange:
            folder = exchange.certificates
            revoke(folder, [])
            exchange.config += f'revoked = "{folder}/revoked.pem"\n'
            exchange.start()
            context = context_of(folder, 2)
            lost = SecureWire(exchange.port, context)
            lost.log_on()
            ticket = lost.socket.session
            kept = SecureWire(exchange.port, context_of(folder, 1))
            kept.log_on()
            # Files that are not good change nothing.
            good = (folder / "daemon.pem").read_text()
            (folder / "daemon.pem").write_text("nonsense")
            self.assertIn("daemon.pem", self.reload(exchange, "stay as they were"))
            (folder / "daemon.pem").write_text(good)
            revoke(folder, [2])
            self.reload(exchange, "read the certificates again")
            end = body("Terminate", lost.receive_type(TERMINATE))
            self.assertEqual(end.Reason(), CERTIFICATE)
            self.assertEqual(end.ReconnectAfterMs(), 0)
            lost.close()
            start = later_start_minute()
            answer = kept.submit(1, [order(exchange.accounts_of(1)[0], 1, start, 0, 200, 100)])
            self.assertEqual((answer.Reason(), answer.RefusedLength()), (0, 0))
            kept.close()
            back = SecureWire(exchange.port, context, ticket)
            with self.assertRaisesRegex(ssl.SSLError, "REVOKED"):
                back.log_on()
            back.close()
            exchange.stop()

    def test_a_certificate_follows_another(self):
        with Exchange(homes=2, credentials=1, certificates=2) as exchange:
            rows = (exchange.certificates / "certificates.csv").read_text().splitlines()
            both = exchange.folder / "both.csv"
            both.write_text("\n".join([rows[0], rows[1], "1," + rows[2].split(",")[1]]) + "\n")
            configure = [BIN / "peerwattd", "configure", "--data", exchange.data, "--certificates",
                         both, "--reason", "a test"]
            subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
            for keep in ("12", "2"):
                exchange.start()
                for number in "12":
                    wire = SecureWire(exchange.port, context_of(exchange.certificates, number))
                    reason = wire.log_on().Reason()
                    self.assertEqual(reason, 0 if number in keep else NOT_AUTHORISED)
                    wire.close()
                exchange.stop()
                both.write_text(rows[0] + "\n1," + rows[2].split(",")[1] + "\n")
                subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)

    def test_without_it_every_start_says_so(self):
        with Exchange(homes=4) as exchange:
            exchange.config = 'insecure = true\n'
            for _ in range(2):
                self.assertIn("insecure: nothing is encrypted", exchange.start())
                exchange.stop()

    def test_a_demo_clock_is_refused_beside_it(self):
        with Exchange(homes=2, credentials=1, certificates=1, speed=60) as exchange:
            with self.assertRaisesRegex(AssertionError, "a demo clock is not for a market over TLS"):
                exchange.start()


if __name__ == "__main__":
    unittest.main()
