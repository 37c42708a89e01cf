"""The wire in raw sockets, by the frames of tools/peerwatt_wire.py."""

import pathlib
import socket
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import peerwatt_wire  # noqa: E402

HEADER = struct.Struct("<IHH")
LOGON_ANSWER, ANSWER, TERMINATE = 129, 130, 192


def body(table, data):
    """What a whole frame says, as that table of the schema."""
    return getattr(getattr(peerwatt_wire.wire(table), table), "GetRootAs")(data[HEADER.size:], 0)


def later_start_minute():
    """Of a 15-minute slot that takes orders for two hours yet, where no demo clock runs."""
    return (int(time.time()) // 900 + 8) * 15


class Wire:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """One whole frame: its type and all its bytes; None at the end of the connection."""
        data = b""
        while len(data) < HEADER.size or len(data) < HEADER.unpack_from(data)[0]:
            want = HEADER.size if len(data) < HEADER.size else HEADER.unpack_from(data)[0]
            piece = self.socket.recv(want - len(data))
            if not piece:
                return None
            data += piece
        return HEADER.unpack_from(data)[1], data

    def receive_type(self, message_type):
        """The next frame of that type; others are passed over."""
        while True:
            received = self.receive()
            if received is None:
                raise AssertionError("the connection ended")
            if received[0] == message_type:
                return received[1]

    def log_on(self, token):
        self.send(peerwatt_wire.logon_frame(token, 0, 30))
        return self.receive_type(LOGON_ANSWER)


class Client(Wire):
    """One that says what it has not seen, and keeps what it is told."""

    def __init__(self, exchange, token, next_event):
        super().__init__(exchange.port)
        self.numbers = []
        self.send(peerwatt_wire.logon_frame(token, next_event, 30))
        self.logon = body("LogonAnswer", self.receive_type(LOGON_ANSWER))

    def submit(self, client_seq, orders):
        self.send(peerwatt_wire.submit_frame(client_seq, orders))
        return body("Answer", self.receive_type(ANSWER))

    def hear(self, events):
        """Reads on until it has heard so many numbered events."""
        while len(self.numbers) < events:
            received = self.receive()
            assert received is not None, "the connection ended"
            message_type, data = received
            if message_type == peerwatt_wire.ROUND_CLEARED:
                self.numbers.append(body("RoundCleared", data).Event())
            if message_type == peerwatt_wire.FILLS:
                fills = body("Fills", data)
                first = fills.FirstEvent()
                self.numbers += range(first, first + fills.FillsLength())
        return self.numbers


def order(account, client_order_id, start_minute, side, ticks, energy_wh):
    return {"account": account, "client_order_id": client_order_id, "market": 1,
            "start_minute_utc": start_minute, "limit_ticks": ticks, "energy_wh": energy_wh,
            "side": side}
