#!/usr/bin/python3
"""tools/controller.py against a daemon that says, frame by frame, what a test wants."""

import argparse
import contextlib
import glob
import io
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tools"))
import controller  # noqa: E402
import flatbuffers  # noqa: E402
import peerwatt_wire  # noqa: E402
from peerwatt_wire import HEADER, wire  # noqa: E402

START_MINUTE = 30_000_000
BUSY_NOW, SHUTDOWN, NOT_AUTHORISED = 16, 2, 5  # Of a Terminate.


def frame(message_type, table, **fields):
    """A frame of the daemon's; bytes become strings."""
    builder = flatbuffers.Builder(256)
    for name, value in fields.items():
        if isinstance(value, bytes):
            fields[name] = builder.CreateString(value.decode())
    module = wire(table)
    getattr(module, table + "Start")(builder)
    for name, value in fields.items():
        getattr(module, f"{table}Add{name}")(builder, value)
    return peerwatt_wire.frame(message_type, builder, getattr(module, table + "End")(builder))


def logon_answer(**fields):
    return frame(peerwatt_wire.LOGON_ANSWER, "LogonAnswer",
                 **{"HeartbeatS": 10, "NextClientSeq": 1, "NextEvent": 1, "ClockFactor": 1,
                    **fields})


def terminate(reason, again_ms):
    return frame(peerwatt_wire.TERMINATE, "Terminate", Reason=reason, ReconnectAfterMs=again_ms,
                 Text=b"so")


def answer(**fields):
    return frame(peerwatt_wire.ANSWER, "Answer", **{"ClientSeq": 1, "Items": 1, **fields})


def round_cleared(event=1):
    return frame(peerwatt_wire.ROUND_CLEARED, "RoundCleared", Event=event, Market=1,
                 StartMinuteUtc=START_MINUTE, Round=1, Rounds=1)


def read_frame(sock):
    """Its type; None at the end of the connection."""
    data = b""
    while len(data) < HEADER.size or len(data) < HEADER.unpack_from(data)[0]:
        want = HEADER.size if len(data) < HEADER.size else HEADER.unpack_from(data)[0]
        piece = sock.recv(want - len(data))
        if not piece:
            return None
        data += piece
    return HEADER.unpack_from(data)[1]


class Daemon:
    """Each connection gets its part of the script: a list of frames to send, where a number waits
    for a frame of that type from the controller first. At the end the connection is closed, or
    kept and listened to where the part ends with `...`."""

    def __init__(self, *script):
        self.script = script
        self.served = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        for part in self.script:
            sock, _ = self.listener.accept()
            self.served += 1
            with sock, contextlib.suppress(OSError):
                for step in part:
                    if step is ...:
                        while read_frame(sock) is not None:
                            pass
                    elif isinstance(step, int):
                        while read_frame(sock) != step:
                            pass
                    else:
                        sock.sendall(step)
        self.listener.close()


class ControllerTest(unittest.TestCase):
    def run_against(self, *script, timeout_s=20.0):
        """The exit code, and what the controller printed."""
        daemon = Daemon(*script)
        options = argparse.Namespace(
            host="127.0.0.1", port=daemon.port, token="pw_x", account=1, market=1, side="buy",
            limit_ticks=200, energy_wh=100, order_id=7, start="2027-01-15T08:00:00Z",
            ahead_minutes=60, slot_minutes=15, heartbeat_s=10, timeout_s=timeout_s)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            code = controller.Controller(options).run()
        self.served = daemon.served
        return code, printed.getvalue()

    TRADE = (peerwatt_wire.LOGON, logon_answer(), peerwatt_wire.SUBMIT_ORDERS, answer(), round_cleared(),
             ...)

    def test_ends_well_when_its_round_is_told(self):
        code, said = self.run_against(self.TRADE)
        self.assertEqual(code, 0, said)

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

    def test_leaves_no_generated_code_behind(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["/usr/bin/python3", TOP / "tools/controller.py", "--help"], check=True,
                           stdout=subprocess.DEVNULL, env={"TMPDIR": folder, "PATH": "/usr/bin:/bin"})
            self.assertEqual(glob.glob(folder + "/*"), [])


if __name__ == "__main__":
    unittest.main()
