#!/usr/bin/python3
"""Hostile and unlucky peers of a real daemon: each gets what the protocol says, the memory of the
process stays under what it said at its start, and whoever behaves is served all the time."""

import contextlib
import re
import socket
import ssl
import struct
import time
import unittest

from exchange import Exchange
from raw_wire import ANSWER, TERMINATE, Wire, body, later_start_minute, order
import peerwatt_wire  # In tools, where raw_wire has led us.

NOT_YOUR_ACCOUNT = 107
LOGON_TIMEOUT, FRAME_TIMEOUT, TOO_MANY = 4, 10, 13
GROWTH_MIB = 96  # Of the resident memory, at its most, over all that is done here.

CONFIG = """
address = "127.0.0.1"
[connections]
max = 3000
not_logged_on = 1500
memory_mib = 16
[sessions]
logon_timeout_ms = 1500
frame_timeout_ms = 1500
[outbox]
limit_mib = 64
"""


def connect(port):
    return socket.create_connection(("127.0.0.1", port), 10)


def wait_for_end(sock):
    """Until the daemon has ended the connection."""
    sock.settimeout(10)
    with contextlib.suppress(ConnectionResetError):
        while sock.recv(100_000):
            pass
    sock.close()


def reset(sock):
    """Ends it as a cut line does: no goodbye."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class Hostile(unittest.TestCase):
    def expect_memory_kept(self, exchange, started, before_mib):
        """At its most it was little more than before, and so under the daemon's own word."""
        promised_mib = int(re.search(r"memory: at most (\d+) MiB", started).group(1))
        now_mib, most_mib = exchange.resident_mib(), exchange.resident_mib("VmHWM")
        print(f"resident: {before_mib:.0f} MiB before, {now_mib:.0f} after, {most_mib:.0f} at most; "
              f"promised {promised_mib}")
        self.assertLess(most_mib - before_mib, GROWTH_MIB)
        self.assertLess(most_mib, promised_mib)

    def expect_served(self, good):
        """Whoever behaves hears an answer to an order."""
        good.client_seq += 1
        good.send(peerwatt_wire.submit_frame(
            good.client_seq, [order(good.account, good.client_seq, good.start, 0, 200, 100)]))
        answer = body("Answer", good.receive_type(ANSWER))
        self.assertEqual((answer.Reason(), answer.RefusedLength()), (0, 0))

    def expect_terminate(self, wire, reason):
        self.assertEqual(body("Terminate", wire.receive_type(TERMINATE)).Reason(), reason)
        wire.close()

    def log_on(self, exchange, credential):
        wire = Wire(exchange.port)
        wire.log_on(exchange.tokens[str(credential)])
        wire.account = exchange.accounts_of(credential)[0]
        wire.start = later_start_minute()
        wire.client_seq = 0
        return wire

    def test_peers_without_tls(self):
        with Exchange(homes=4, credentials=2) as exchange:
            exchange.config = CONFIG
            started = exchange.start()
            good = self.log_on(exchange, 1)
            self.expect_served(good)
            before_mib = exchange.resident_mib()

            # Connected and silent, a byte of a frame and silent, half closed, garbage.
            silent = [connect(exchange.port) for _ in range(300)]
            begun = [Wire(exchange.port) for _ in range(300)]
            for wire in begun:
                wire.send(b"\x40")
            for _ in range(300):
                sock = connect(exchange.port)
                sock.sendall(bytes(range(256)) * 4)
                sock.shutdown(socket.SHUT_WR)
                silent.append(sock)
            self.expect_served(good)

            # A logon that comes byte by byte is a logon.
            slow = Wire(exchange.port)
            for byte in peerwatt_wire.logon_frame(exchange.tokens["2"], 0, 30):
                slow.send(bytes([byte]))
            self.assertEqual(slow.receive()[0], 129)
            # A frame of which a byte comes now and then is ended by its deadline, not by its bytes.
            frame = peerwatt_wire.submit_frame(1, [order(good.account, 1, good.start, 0, 200, 1)])
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for byte in frame[:40]:
                    slow.send(bytes([byte]))
                    time.sleep(0.06)
            self.expect_terminate(slow, FRAME_TIMEOUT)
            # All the silent ones have been ended meanwhile.
            for sock in silent:
                wait_for_end(sock)
            for wire in begun:
                self.expect_terminate(wire, LOGON_TIMEOUT)

            # Frames that another credential has sent, with its numbers and its account.
            thief = self.log_on(exchange, 2)
            thief.send(frame)
            answer = body("Answer", thief.receive_type(ANSWER))
            self.assertEqual(answer.Refused(0).Reason(), NOT_YOUR_ACCOUNT)
            # Garbage behind a logon, of every length.
            for length in (0, 4, 12, 17, 1 << 20, 0xFFFFFFF8):
                spoiler = self.log_on(exchange, 2)
                spoiler.send(struct.pack("<IHH", length, 16, 1) + bytes(64))
                self.assertEqual(spoiler.receive_type(TERMINATE)[4:6], b"\xc0\x00")
                spoiler.close()
            self.expect_served(good)

            # Ten thousand connections, cut at once.
            for i in range(10_000):
                sock = connect(exchange.port)
                if i % 3 == 0:
                    sock.sendall(frame[: i % len(frame)])
                reset(sock)
            self.expect_served(good)

            # More connections than there may be are told so.
            crowd = []
            while len(crowd) < 4_000:
                crowd.append(connect(exchange.port))
            told = Wire(exchange.port)
            self.expect_terminate(told, TOO_MANY)
            self.expect_served(good)
            for sock in crowd:
                reset(sock)
            thief.close()
            good.close()

            self.expect_memory_kept(exchange, started, before_mib)
            exchange.stop()

    def test_peers_in_the_handshake(self):
        with Exchange(homes=4, credentials=2, certificates=2) as exchange:
            folder = exchange.certificates
            exchange.config = exchange.config.replace("[tls]", CONFIG + "[tls]")
            started = exchange.start()
            context = ssl.create_default_context(cafile=folder / "authorities.pem")
            context.load_cert_chain(folder / "1.pem")

            def log_on():
                wire = Wire(exchange.port)
                wire.socket = context.wrap_socket(wire.socket, server_hostname="127.0.0.1")
                wire.log_on("")
                wire.account = exchange.accounts_of(1)[0]
                wire.start = later_start_minute()
                wire.client_seq = 0
                return wire

            good = log_on()
            self.expect_served(good)
            before_mib = exchange.resident_mib()
            # A hello that stops after each of its bytes; and whole ones whose answer nobody reads.
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            with contextlib.suppress(ssl.SSLWantReadError):
                context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1").do_handshake()
            hello = outgoing.read()
            stalled = []
            for i in range(600):
                sock = connect(exchange.port)
                sock.sendall(hello[: i % (len(hello) + 1)])
                stalled.append(sock)
            # Hellos that say that they are of 128 KiB, so that room is made for them.
            for _ in range(600):
                sock = connect(exchange.port)
                sock.sendall(b"\x16\x03\x01\x40\x00\x01\x02\x01\x40" + bytes(100))
                stalled.append(sock)
            self.expect_served(good)
            for sock in stalled:
                wait_for_end(sock)
            # Hellos that are cut, a thousand of them whole.
            for i in range(3_000):
                sock = connect(exchange.port)
                sock.sendall(hello if i % 3 == 0 else hello[: i % len(hello)])
                reset(sock)
            self.expect_served(good)
            # Garbage inside of TLS.
            spoiler = Wire(exchange.port)
            spoiler.socket = context.wrap_socket(spoiler.socket, server_hostname="127.0.0.1")
            spoiler.send(bytes(100))
            self.assertEqual(spoiler.receive_type(TERMINATE)[4:6], b"\xc0\x00")
            spoiler.close()
            self.expect_served(good)
            self.expect_memory_kept(exchange, started, before_mib)
            good.close()
            exchange.stop()


if __name__ == "__main__":
    unittest.main()
