#!/usr/bin/python3
"""`peerwatt controller` against a daemon that says, frame by frame, what a test wants."""

import hashlib
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from scripted_daemon import (  # noqa: E402
    NOT_AUTHORISED,
    START_MINUTE,
    TOP,
    Daemon,
    answer,
    frame,
    logon_answer,
    lottery,
    round_cleared,
    terminate,
)
from peerwatt_wire import (  # noqa: E402
    LIST_PRODUCTS,
    LOGON,
    LOGON_ANSWER,
    ORDER_CANCELLED,
    SUBMIT_ORDERS,
)

BIN = pathlib.Path(os.environ.get("PEERWATT_BIN", TOP / "build/release/bin"))


class PeerwattControllerTest(unittest.TestCase):
    def run_against(self, *script):
        """The exit code, what the controller printed, and what it complained of."""
        daemon = Daemon(*script)
        done = subprocess.run(
            [BIN / "peerwatt", "controller", "--to", f"127.0.0.1:{daemon.port}", "--token", "pw_x",
             "--account", "1", "--market", "1", "--start-minute", str(START_MINUTE),
             "--client-order-id", "7", "--side", "buy", "--price-ticks", "200", "--energy-wh", "100",
             "--timeout-s", "30"],
            capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_ends_well_when_its_round_is_told(self):
        code, said, _ = self.run_against((LOGON, logon_answer(), SUBMIT_ORDERS, answer(),
                                          round_cleared(), ...))
        self.assertEqual(code, 0, said)
        self.assertIn("logged on", said)

    def test_checks_a_lottery_against_what_was_announced(self):
        secret = bytes(range(32))
        hash_ = hashlib.sha256(secret).digest()
        told = lottery(hash_, False)
        other = lottery(secret, False)
        not_this = f", NOT the one that was announced, of SHA-256 {secret.hex()}"
        for announced, code_due, verdict in [
                ([told], 0, ", as announced"),
                ([told, told], 0, ", as announced"),  # By ListProducts too.
                ([other], 65, not_this),
                ([other, told], 65, not_this),
                ([told, other], 65, ", as announced"),
                ([], 0, ", announced before we were there")]:
            code, said, complaint = self.run_against(
                (LOGON, logon_answer(), LIST_PRODUCTS, *announced, SUBMIT_ORDERS, answer(),
                 lottery(secret, True), round_cleared(), ...))
            self.assertEqual(code, code_due, said)
            self.assertIn(f"lottery of round 1: secret {secret.hex()}{verdict}", said)
            self.assertIn("round 1 of 1", said)
            self.assertEqual("lottery" in complaint, code_due != 0, complaint)
            self.assertEqual("ANOTHER hash is announced" in said, len({*announced}) > 1, said)

    def test_checks_a_second_secret_of_a_round_as_the_first(self):
        secrets = [bytes(range(32)), bytes(32)]
        code, said, complaint = self.run_against(
            (LOGON, logon_answer(), SUBMIT_ORDERS, answer(),
             lottery(hashlib.sha256(secrets[0]).digest(), False),
             *[lottery(secret, True) for secret in secrets], round_cleared(), ...))
        self.assertEqual(code, 65, said)
        self.assertIn(f"secret {secrets[1].hex()}, NOT the one that was announced", said)
        self.assertIn("not the one that was announced", complaint)

    def test_is_not_logged_on_when_the_logon_is_refused(self):
        refused = frame(LOGON_ANSWER, "LogonAnswer", Reason=102)
        code, said, complaint = self.run_against((LOGON, refused, terminate(NOT_AUTHORISED, 0)))
        self.assertEqual(code, 69, complaint)
        self.assertNotIn("logged on", said)

    def test_does_not_wait_for_a_market_that_its_credential_is_not_in(self):
        code, said, complaint = self.run_against((LOGON, logon_answer(Markets=[2, 3]), ...))
        self.assertEqual(code, 65, said)
        self.assertIn("market 1: this credential has no account there; it trades in 2, 3", complaint)

    def test_says_that_what_it_missed_is_no_longer_kept(self):
        gone = frame(LOGON_ANSWER, "LogonAnswer", Reason=13, NextEvent=9)
        code, said, complaint = self.run_against(
            (LOGON, logon_answer(), SUBMIT_ORDERS, answer()), (LOGON, gone, terminate(18, 0)))
        self.assertEqual(code, 65, said)
        self.assertIn("are kept only from 9 on", complaint)

    def test_says_what_it_missed_and_waits_no_longer(self):
        code, said, complaint = self.run_against(
            (LOGON, logon_answer(NextEvent=4), SUBMIT_ORDERS, answer()),
            (LOGON, logon_answer(NextClientSeq=2, NextEvent=6), ...))
        self.assertEqual(code, 65, said)
        self.assertIn("missed: 2 events, from 4 on", said)
        self.assertIn("events were missed", complaint)

    def test_counts_what_it_has_seen_as_not_missed(self):
        other = frame(ORDER_CANCELLED, "OrderCancelled", Event=4, Account=2, ClientOrderId=7,
                      Market=1, StartMinuteUtc=START_MINUTE, Reason=120)
        code, said, _ = self.run_against(
            (LOGON, logon_answer(NextEvent=4), SUBMIT_ORDERS, answer(), other),
            (LOGON, logon_answer(NextClientSeq=2, NextEvent=5), round_cleared(5), ...))
        self.assertEqual(code, 0, said)
        self.assertNotIn("missed", said)

    def test_hears_the_answer_to_what_it_resends_before_it_stops_for_what_it_missed(self):
        code, said, _ = self.run_against(
            (LOGON, logon_answer(), SUBMIT_ORDERS),
            (LOGON, logon_answer(NextEvent=3), SUBMIT_ORDERS, answer(), ...))
        self.assertEqual(code, 65, said)
        self.assertIn("missed: 2 events, from 1 on", said)
        self.assertIn("accepted", said)

    def test_what_happened_before_its_first_logon_is_not_missed(self):
        code, said, _ = self.run_against((LOGON, logon_answer(NextEvent=90), SUBMIT_ORDERS, answer(),
                                          round_cleared(90), ...))
        self.assertEqual(code, 0, said)

    def test_an_order_that_the_daemon_withdraws_is_an_error(self):
        withdrawn = frame(ORDER_CANCELLED, "OrderCancelled", Event=1, Account=1, ClientOrderId=7,
                          Market=1, StartMinuteUtc=START_MINUTE, Reason=120)
        code, _, complaint = self.run_against((LOGON, logon_answer(), SUBMIT_ORDERS, answer(),
                                               withdrawn, ...))
        self.assertEqual(code, 65)
        self.assertIn("withdrawn by the daemon: self_trade_cancelled (120)", complaint)


if __name__ == "__main__":
    unittest.main()
