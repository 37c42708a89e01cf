"""A daemon that says, frame by frame, what a test of a controller wants."""

import contextlib
import pathlib
import socket
import sys
import threading

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tools"))
import flatbuffers  # noqa: E402
import peerwatt_wire  # noqa: E402
from peerwatt_wire import HEADER, wire  # noqa: E402

START_MINUTE = 30_000_000
BUSY_NOW, SHUTDOWN, NOT_AUTHORISED = 16, 2, 5  # Of a Terminate.


def frame(message_type, table, **fields):
    """A frame of the daemon's; bytes become strings, lists vectors of uint."""
    builder = flatbuffers.Builder(256)
    for name, value in fields.items():
        if isinstance(value, bytes):
            fields[name] = builder.CreateString(value.decode())
        if isinstance(value, list):
            builder.StartVector(4, len(value), 4)
            for number in reversed(value):
                builder.PrependUint32(number)
            fields[name] = builder.EndVector()
    module = wire(table)
    getattr(module, table + "Start")(builder)
    for name, value in fields.items():
        getattr(module, f"{table}Add{name}")(builder, value)
    return peerwatt_wire.frame(message_type, builder, getattr(module, table + "End")(builder))


def logon_answer(**fields):
    return frame(peerwatt_wire.LOGON_ANSWER, "LogonAnswer",
                 **{"HeartbeatS": 10, "NextClientSeq": 1, "NextEvent": 1, "ClockFactor": 1,
                    "Markets": [1], **fields})


def terminate(reason, again_ms):
    return frame(peerwatt_wire.TERMINATE, "Terminate", Reason=reason, ReconnectAfterMs=again_ms,
                 Text=b"so")


def answer(**fields):
    return frame(peerwatt_wire.ANSWER, "Answer", **{"ClientSeq": 1, "Items": 1, **fields})


def round_cleared(event=1):
    return frame(peerwatt_wire.ROUND_CLEARED, "RoundCleared", Event=event, Market=1,
                 StartMinuteUtc=START_MINUTE, Round=1, Rounds=1)


def price_call(step, price_ticks, orders, **fields):
    """`orders`: pairs of account and client_order_id."""
    builder = flatbuffers.Builder(256)
    call = wire("PriceCall")
    call.PriceCallStartOrdersVector(builder, len(orders))
    for account, order in reversed(orders):
        wire("CalledOrder").CreateCalledOrder(builder, account, order)
    vector = builder.EndVector()
    call.PriceCallStart(builder)
    for name, value in {"Market": 1, "StartMinuteUtc": START_MINUTE, "Round": 1, "Step": step,
                        "PriceTicks": price_ticks, "Orders": vector, **fields}.items():
        getattr(call, "PriceCallAdd" + name)(builder, value)
    return peerwatt_wire.frame(peerwatt_wire.PRICE_CALL, builder, call.PriceCallEnd(builder))


def lottery(given, revealed):
    """Of the round of round_cleared."""
    builder = flatbuffers.Builder(256)
    vector = builder.CreateByteVector(given)
    module = wire("Lottery")
    module.LotteryStart(builder)
    module.LotteryAddMarket(builder, 1)
    module.LotteryAddStartMinuteUtc(builder, START_MINUTE)
    module.LotteryAddRound(builder, 1)
    module.LotteryAddRevealed(builder, revealed)
    module.LotteryAddBytes(builder, vector)
    return peerwatt_wire.frame(peerwatt_wire.LOTTERY, builder, module.LotteryEnd(builder))


def read_frame(sock):
    """(type, body); None at the end of the connection."""
    data = b""
    while len(data) < HEADER.size or len(data) < HEADER.unpack_from(data)[0]:
        want = HEADER.size if len(data) < HEADER.size else HEADER.unpack_from(data)[0]
        piece = sock.recv(want - len(data))
        if not piece:
            return None
        data += piece
    return HEADER.unpack_from(data)[1], data[HEADER.size:]


class Daemon:
    """Each connection gets its part of the script: a list of frames to send, where a number waits
    for a frame of that type from the controller first. At the end the connection is closed, or
    kept and listened to where the part ends with `...`."""

    def __init__(self, *script):
        self.script = script
        self.served = 0
        self.heard = []  # (type, body) of every frame.
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
                        while self.hear(sock) is not None:
                            pass
                    elif isinstance(step, int):
                        while self.hear(sock) != step:
                            pass
                    else:
                        sock.sendall(step)
        self.listener.close()

    def hear(self, sock):
        """The next frame's type; None at the end of the connection."""
        heard = read_frame(sock)
        if heard is None:
            return None
        self.heard.append(heard)
        return heard[0]
