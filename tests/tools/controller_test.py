#!/usr/bin/python3
"""tools/controller.py against a daemon that says, frame by frame, what a test wants."""

import argparse
import contextlib
import glob
import hashlib
import io
import subprocess
import sys
import tempfile
import unittest

from scripted_daemon import (
    BUSY_NOW,
    NOT_AUTHORISED,
    SHUTDOWN,
    TOP,
    Daemon,
    answer,
    frame,
    logon_answer,
    lottery,
    price_call,
    round_cleared,
    terminate,
)

import controller  # In tools, where scripted_daemon has led us.
import peerwatt_wire


class ControllerTest(unittest.TestCase):
    def test_refuses_a_wrong_command_line_before_it_connects(self):
        right = {"--port": "1", "--token": "pw_x", "--account": "1", "--side": "buy",
                 "--limit-ticks": "200", "--energy-wh": "100"}
        wrong = {"--start": ["tomorrow", "2027-01-15T08:00:00"], "--energy-wh": ["-1", "0"],
                 "--limit-ticks": ["99999999999", "1.5"], "--account": ["0"], "--port": ["65536"],
                 "--theta": ["-1", "4294967296"], "--heartbeat-s": ["0", "301"]}
        for name, values in wrong.items():
            for value in values:
                words = [f"{key}={word}" for key, word in (right | {name: value}).items()]
                done = subprocess.run(["/usr/bin/python3", TOP / "tools/controller.py", *words],
                                      capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 2, (name, value, done.stderr))
                self.assertIn(f"argument {name}: ", done.stderr)

    def run_against(self, *script, timeout_s=20.0, theta=0):
        """The exit code, and what the controller printed."""
        daemon = Daemon(*script)
        options = argparse.Namespace(
            host="127.0.0.1", port=daemon.port, token="pw_x", certificate=None, account=1, market=1, side="buy",
            limit_ticks=200, energy_wh=100, order_id=7, start=controller.delivery("2027-01-15T08:00:00Z"),
            theta=theta, heartbeat_s=10, timeout_s=timeout_s)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            code = controller.Controller(options).run()
        self.served = daemon.served
        self.heard = daemon.heard
        return code, printed.getvalue()

    TRADE = (peerwatt_wire.LOGON, logon_answer(), peerwatt_wire.SUBMIT_ORDERS, answer(), round_cleared(),
             ...)

    def test_ends_well_when_its_round_is_told(self):
        code, said = self.run_against(self.TRADE)
        self.assertEqual(code, 0, said)

    def test_does_not_wait_for_a_market_that_its_credential_is_not_in(self):
        code, said = self.run_against((peerwatt_wire.LOGON, logon_answer(Markets=[2]), ...))
        self.assertEqual(code, 3, said)
        self.assertIn("market 1: this credential has no account there", said)

    def test_says_that_what_it_missed_is_no_longer_kept(self):
        gone = frame(peerwatt_wire.LOGON_ANSWER, "LogonAnswer", Reason=13, NextEvent=9)
        code, said = self.run_against(
            (peerwatt_wire.LOGON, logon_answer(), peerwatt_wire.SUBMIT_ORDERS, answer()),
            (peerwatt_wire.LOGON, gone, terminate(18, 0)))
        self.assertEqual(code, 5, said)

    def test_a_lottery_is_checked_against_what_was_announced(self):
        secret = bytes(range(32))
        hash_ = hashlib.sha256(secret).digest()
        told = lottery(hash_, False)
        other = lottery(secret, False)
        for announced, code_due, verdict in [
                ([told], 0, " as announced"),
                ([told, told], 0, " as announced"),  # By ListProducts too.
                ([other], 6, "NOT the one that was announced"),
                ([other, told], 6, f"NOT the one that was announced, of SHA-256 {secret.hex()}"),
                ([told, other], 6, f"ANOTHER hash is announced, {secret.hex()}"),
                ([], 0, "announced before we were there")]:
            script = (peerwatt_wire.LOGON, logon_answer(), peerwatt_wire.LIST_PRODUCTS, *announced,
                      peerwatt_wire.SUBMIT_ORDERS, answer(), lottery(secret, True),
                      round_cleared(), ...)
            code, said = self.run_against(script)
            self.assertEqual(code, code_due, said)
            self.assertIn(f"lottery: round=1 secret={secret.hex()}", said)
            self.assertIn(verdict, said)
            self.assertIn("round cleared", said)

    def test_a_lottery_with_another_secret_is_told_however_the_session_ends(self):
        secret = bytes(range(32))
        for last, timeout_s in [(terminate(NOT_AUTHORISED, 0), 20.0), (..., 1.0)]:
            code, said = self.run_against(
                (peerwatt_wire.LOGON, logon_answer(), peerwatt_wire.SUBMIT_ORDERS, answer(),
                 lottery(secret, False), lottery(secret, True), last), timeout_s=timeout_s)
            self.assertEqual(code, 6, said)

    def test_a_second_secret_of_a_round_is_checked_as_the_first(self):
        secrets = [bytes(range(32)), bytes(32)]
        code, said = self.run_against(
            (peerwatt_wire.LOGON, logon_answer(), peerwatt_wire.SUBMIT_ORDERS, answer(),
             lottery(hashlib.sha256(secrets[0]).digest(), False),
             *[lottery(secret, True) for secret in secrets], round_cleared(), ...))
        self.assertEqual(code, 6, said)
        self.assertIn(f"secret={secrets[1].hex()} NOT the one that was announced", said)

    def test_a_refused_order_is_an_exit_code(self):
        code, _ = self.run_against((peerwatt_wire.LOGON, logon_answer(), peerwatt_wire.SUBMIT_ORDERS,
                                    answer(Reason=109), ...))
        self.assertEqual(code, 3)

    def test_an_order_that_the_daemon_withdraws_is_an_exit_code(self):
        withdrawn = frame(peerwatt_wire.ORDER_CANCELLED, "OrderCancelled", Event=1, ClientOrderId=7,
                          Reason=120)
        code, _ = self.run_against((peerwatt_wire.LOGON, logon_answer(), peerwatt_wire.SUBMIT_ORDERS,
                                    answer(), withdrawn, ...))
        self.assertEqual(code, 3)

    def test_a_refused_logon_is_not_tried_again(self):
        refused = frame(peerwatt_wire.LOGON_ANSWER, "LogonAnswer", Reason=102)
        code, said = self.run_against((peerwatt_wire.LOGON, refused,
                                       terminate(NOT_AUTHORISED, 0), ...))
        self.assertEqual(code, 4)
        self.assertIn("reason 102", said)

    def test_comes_back_when_a_terminate_instead_of_the_logon_answer_says_so(self):
        for reason in (BUSY_NOW, SHUTDOWN):
            code, said = self.run_against((peerwatt_wire.LOGON, terminate(reason, 50)), self.TRADE)
            self.assertEqual(code, 0, said)
            self.assertIn(f"terminated: so ({reason})", said)

    def test_stays_away_when_a_terminate_says_so(self):
        code, _ = self.run_against((peerwatt_wire.LOGON, terminate(3, 0)))
        self.assertEqual(code, 4)

    def test_comes_back_when_no_logon_answer_comes_in_time(self):
        self.addCleanup(setattr, controller, "LOGON_S", controller.LOGON_S)
        controller.LOGON_S = 0.1
        code, said = self.run_against((peerwatt_wire.LOGON, ...), self.TRADE)
        self.assertEqual(code, 0, said)
        self.assertIn("no answer to the logon", said)

    def test_comes_back_when_the_daemon_is_silent_for_two_heartbeats(self):
        self.addCleanup(setattr, controller, "SLACK_S", controller.SLACK_S)
        controller.SLACK_S = -1.9  # 0.1 s in all.
        code, said = self.run_against(
            (peerwatt_wire.LOGON, logon_answer(HeartbeatS=1), peerwatt_wire.SUBMIT_ORDERS, ...),
            (peerwatt_wire.LOGON, logon_answer(NextClientSeq=2), peerwatt_wire.SUBMIT_ORDERS, answer(),
             round_cleared(), ...))
        self.assertEqual(code, 0, said)
        self.assertIn("the daemon is silent", said)

    def test_says_what_it_missed_and_waits_no_longer(self):
        code, said = self.run_against(
            (peerwatt_wire.LOGON, logon_answer(NextEvent=4), peerwatt_wire.SUBMIT_ORDERS, answer()),
            (peerwatt_wire.LOGON, logon_answer(NextClientSeq=2, NextEvent=6), ...))
        self.assertEqual(code, 5)
        self.assertIn("missed: 2 events, from 4 on", said)

    def test_hears_the_answer_to_what_it_resends_before_it_stops_for_what_it_missed(self):
        code, said = self.run_against(
            (peerwatt_wire.LOGON, logon_answer(), peerwatt_wire.SUBMIT_ORDERS),
            (peerwatt_wire.LOGON, logon_answer(NextEvent=3), peerwatt_wire.SUBMIT_ORDERS, answer(), ...))
        self.assertEqual(code, 5)
        self.assertIn("answer: client_seq=1", said)

    def test_what_happened_before_its_first_logon_is_not_missed(self):
        code, _ = self.run_against((peerwatt_wire.LOGON, logon_answer(NextEvent=90),
                                    peerwatt_wire.SUBMIT_ORDERS, answer(), round_cleared(90), ...))
        self.assertEqual(code, 0)

    def test_ends_when_the_time_is_up(self):
        code, _ = self.run_against((peerwatt_wire.LOGON, logon_answer(), peerwatt_wire.SUBMIT_ORDERS,
                                    answer(), ...), timeout_s=0.5)
        self.assertEqual(code, 1)

    def replies(self):
        """(client_seq, account, client_order_id, demand_nwh, round, step) of each answer sent."""
        bodies = [body for kind, body in self.heard if kind == peerwatt_wire.QUANTITY_REPLY]
        replies = [peerwatt_wire.wire("QuantityReply").QuantityReply.GetRootAs(body, 0)
                   for body in bodies]
        answers = [(reply.ClientSeq(), reply.Answers(i)) for reply in replies
                   for i in range(reply.AnswersLength())]
        return [(seq, one.Account(), one.ClientOrderId(), one.DemandNwh(), one.Round(), one.Step())
                for seq, one in answers]

    ANSWERED = answer(ClientSeq=2, MessageType=peerwatt_wire.QUANTITY_REPLY)

    def test_a_live_bid_says_so_and_answers_the_prices_that_are_called(self):
        code, said = self.run_against(
            (peerwatt_wire.LOGON, logon_answer(), peerwatt_wire.SUBMIT_ORDERS, answer(),
             price_call(1, 170, [(1, 7)]), peerwatt_wire.QUANTITY_REPLY, self.ANSWERED,
             price_call(2, 200, [(1, 6), (1, 7)]), peerwatt_wire.QUANTITY_REPLY,
             round_cleared(), ...), theta=3_000_000)
        self.assertEqual(code, 0, said)
        submits = [body for kind, body in self.heard if kind == peerwatt_wire.SUBMIT_ORDERS]
        order = peerwatt_wire.wire("SubmitOrders").SubmitOrders.GetRootAs(submits[0], 0).Orders(0)
        self.assertEqual((order.Response(), order.ResponseParam()), (3, 0))
        # (200 - 170) ticks / 3,000,000 ticks a MWh, where 10^15 / 3,000,000 is rounded up.
        self.assertEqual(self.replies(), [(2, 1, 7, 30 * 333_333_334, 1, 1), (3, 1, 7, 0, 1, 2)])
        self.assertIn("step 1: 170 ticks, we take 10000000020 nWh", said)

    def test_never_takes_more_than_it_bid_for(self):
        self.assertEqual(controller.demand_nwh(200, 100, 30_000, 2_000), 2_000 * 10**9)
        self.assertEqual(controller.demand_nwh(200, 300, 30_000, 2_000), 0)

    def test_an_answer_that_is_refused_is_not_a_refused_order(self):
        code, said = self.run_against(
            (peerwatt_wire.LOGON, logon_answer(), peerwatt_wire.SUBMIT_ORDERS, answer(),
             price_call(1, 170, [(1, 7)]), peerwatt_wire.QUANTITY_REPLY,
             answer(ClientSeq=2, MessageType=peerwatt_wire.QUANTITY_REPLY, Reason=141),
             round_cleared(), ...), theta=30_000)
        self.assertEqual(code, 0, said)

    def test_answers_only_for_its_own_live_bid(self):
        calls = (price_call(1, 170, [(1, 8), (2, 7)]),
                 price_call(1, 170, [(1, 7)], StartMinuteUtc=30))
        for theta, told in ((30_000, calls), (0, (price_call(1, 170, [(1, 7)]),))):
            code, said = self.run_against(
                (peerwatt_wire.LOGON, logon_answer(), peerwatt_wire.SUBMIT_ORDERS, answer(), *told,
                 round_cleared(), ...), theta=theta)
            self.assertEqual(code, 0, said)
            self.assertEqual(self.replies(), [])

    def test_sends_an_answer_again_until_it_is_answered(self):
        code, said = self.run_against(
            (peerwatt_wire.LOGON, logon_answer(), peerwatt_wire.SUBMIT_ORDERS, answer(),
             price_call(1, 170, [(1, 7)]), peerwatt_wire.QUANTITY_REPLY),
            (peerwatt_wire.LOGON, logon_answer(), peerwatt_wire.QUANTITY_REPLY, self.ANSWERED,
             price_call(2, 160, [(1, 7)]), peerwatt_wire.QUANTITY_REPLY, round_cleared(), ...),
            theta=3_000_000)
        self.assertEqual(code, 0, said)
        first, again, next_step = self.replies()
        self.assertEqual(first, again)
        self.assertEqual((next_step[0], next_step[-1]), (3, 2))

    def test_refuses_a_theta_that_cannot_be(self):
        for options, why in ((["--theta", "1", "--side", "sell"], "only buyers are asked"),
                             (["--theta", "-1", "--side", "buy"], "expected 0 to")):
            done = subprocess.run(
                ["/usr/bin/python3", TOP / "tools/controller.py", "--port", "1", "--token", "pw_x",
                 "--account", "1", "--limit-ticks", "1", "--energy-wh", "1", *options],
                capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(why, done.stderr)

    def test_leaves_no_generated_code_behind(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["/usr/bin/python3", TOP / "tools/controller.py", "--help"], check=True,
                           stdout=subprocess.DEVNULL, env={"TMPDIR": folder, "PATH": "/usr/bin:/bin"})
            self.assertEqual(glob.glob(folder + "/*"), [])


if __name__ == "__main__":
    unittest.main()
