#!/usr/bin/python3
"""A controller in Python: logs on, submits an order, prints its answers and fills.

With --theta its bid is a live one, and it answers the prices that are called with what it takes.

It shows a whole session, for makers of controllers; the frames are in peerwatt_wire.py and
schemas/README.md is the page beside both. Needs `python3-flatbuffers` and `flatc` (package
flatbuffers-compiler).

  tools/controller.py --port 7411 --token pw_... --account 1 --market 1 --side buy \\
      --limit-ticks 250 --energy-wh 500 --start 2024-06-01T12:00:00Z

It exits with
  0  the order's last round was told, filled or not
  1  the time is up
  2  the command line is wrong
  3  the order was refused, or withdrawn by the daemon, or the credential has no account in the
     market
  4  the daemon does not want this credential back: the logon was refused, say
  5  events were missed while no connection was there, and are no longer kept: the fills may be
     among them
  6  a round's lottery was not drawn with the secret whose hash was announced first, or another hash
     was announced behind it; this comes before all of the above
"""

import argparse
import datetime
import hashlib
import os
import random
import socket
import ssl
import sys
import time

from peerwatt_wire import (
    ANSWER,
    FILLS,
    FIXED,
    HEADER,
    INTERACTIVE,
    LOGON_ANSWER,
    LOTTERY,
    ORDER_CANCELLED,
    PRICE_CALL,
    PRODUCT_OPENED,
    QUANTITY_REPLY,
    ROUND_CLEARED,
    ROUND_VOID,
    TERMINATE,
    VERSION,
    heartbeat_frame,
    list_products_frame,
    logon_frame,
    logout_frame,
    quantity_frame,
    submit_frame,
    wire,
)

# Reasons that only postpone: the same bytes are sent again later.
BUSY, THROTTLED = 2, 3
EVENTS_GONE = 13  # Of a logon: what was missed is no longer kept.

LOGON_S = 5.0  # For the answer to a logon.
SLACK_S = 5.0  # Beyond two heartbeats of silence.
GATE_S = 2.0  # A gate that is nearer is left to others.

TRADED, TIME_IS_UP, REFUSED, UNWANTED, MISSED, LOTTERY_BROKEN = 0, 1, 3, 4, 5, 6


class ConnectionEnded(Exception):
    """The daemon has ended the connection, or the network has. Coming back makes sense after
    `again_s` seconds; None: it does not."""

    def __init__(self, why, again_s=0.0):
        super().__init__(why)
        self.again_s = again_s


def demand_nwh(limit_ticks, price_ticks, theta, energy_wh):
    """The best answer to a price of a utility limit * x - theta * x^2 / 2, with theta in ticks per
    MWh: (limit - price) / theta MWh within the order's energy, in nano-watt-hours."""
    per_tick = -(-(10**15) // theta)  # Rounded up.
    return min(per_tick * max(limit_ticks - price_ticks, 0), energy_wh * 10**9)


def connect(options):
    """A connection to the daemon, over TLS where there is a certificate to show."""
    plain = socket.create_connection((options.host, options.port), 5)
    if not options.certificate:
        return plain
    with plain:  # Closed where there is no TLS over it; else it is the other's.
        context = ssl.create_default_context(cafile=options.authorities)
        context.load_cert_chain(options.certificate)
        return context.wrap_socket(plain, server_hostname=options.host)


class Controller:
    """One credential. Every request is kept until it is answered, and sent again after a reconnect
    with the same bytes: the daemon does it once, and answers what it answered before."""

    def __init__(self, options):
        self.options = options
        self.next_seq = None  # The daemon says where we are.
        self.next_event = None  # The first that was not seen; the daemon says so at first.
        self.unanswered = {}  # client_seq -> frame, in order.
        self.product = None  # (market, start_minute) that the order is for, once it is chosen,
        self.order_id = None  # and its client_order_id.
        self.lottery_hashes = {}  # As first announced, by round of our product.
        self.lottery_broken = False
        self.outcome = None  # An exit code, once there is nothing more to wait for.
        self.missed = False
        self.filled_wh = 0
        self.fills_to_come = 0
        self.last_round = False
        self.received = b""

    def run(self):
        """What the process exits with."""
        outcome = self.come_back_until_over()
        return LOTTERY_BROKEN if self.lottery_broken else outcome

    def come_back_until_over(self):
        """Comes back after each lost connection until the order's last round is over."""
        deadline = time.monotonic() + self.options.timeout_s
        pause_s = 0.1
        while self.outcome is None and time.monotonic() < deadline:
            try:
                with connect(self.options) as sock:
                    self.sock = sock
                    self.log_on()
                    pause_s = 0.1
                    self.trade(deadline)
            except (ConnectionEnded, OSError) as end:
                print(f"connection ended: {end}", flush=True)
                again_s = end.again_s if isinstance(end, ConnectionEnded) else 0.0
                if again_s is None:
                    return self.outcome or UNWANTED
                wait_s = max(again_s, pause_s * random.uniform(0.5, 1.0))
                time.sleep(max(0.0, min(wait_s, deadline - time.monotonic())))
                pause_s = min(2 * pause_s, 5.0)
        return TIME_IS_UP if self.outcome is None else self.outcome

    def log_on(self):
        self.received = b""
        self.heard = time.monotonic()
        self.sock.sendall(
            logon_frame(self.options.token or "", self.next_event or 0, self.options.heartbeat_s)
        )
        message = self.next_message(LOGON_S)
        if message is None:
            raise ConnectionEnded(f"no answer to the logon within {LOGON_S} s")
        message_type, body = message
        if message_type == TERMINATE:  # No room now, or shutting down: it says when to come back.
            self.on_terminate(body)
        if message_type != LOGON_ANSWER:
            raise ConnectionEnded(f"message {message_type} before the answer to the logon")
        answer = wire("LogonAnswer").LogonAnswer.GetRootAs(body, 0)
        if answer.Reason() == EVENTS_GONE:
            self.outcome = MISSED
        if answer.Reason() != 0:
            raise ConnectionEnded(f"logon refused, reason {answer.Reason()}", None)
        self.heartbeat_s = answer.HeartbeatS()
        markets = [answer.Markets(i) for i in range(answer.MarketsLength())]
        print(
            f"logged on: next_client_seq={answer.NextClientSeq()} markets={markets} "
            f"clock_factor={answer.ClockFactor()}",
            flush=True,
        )
        if self.options.market not in markets:
            print(f"market {self.options.market}: this credential has no account there", flush=True)
            self.outcome = REFUSED
            return
        self.see_what_was_missed(answer.NextEvent())
        if self.next_seq is None or not self.unanswered:
            self.next_seq = answer.NextClientSeq()
        # Which products there are, with what their lotteries are held to.
        self.sock.sendall(list_products_frame(1, self.options.market))
        for request in self.unanswered.values():
            self.sock.sendall(request)
        self.earliest_gate_ns = answer.ServerTimeNs() + int(GATE_S * 1e9) * answer.ClockFactor()
        if self.product is None and self.options.start:
            self.submit(self.options.start)
        self.stop_if_missed()

    def see_what_was_missed(self, next_event):
        """Numbered events have no gaps, and those of the time between are not sent again."""
        if self.next_event is not None and next_event > self.next_event:
            self.missed = True
            print(
                f"missed: {next_event - self.next_event} events, from {self.next_event} on, "
                "while no connection was there",
                flush=True,
            )
        self.next_event = next_event

    def stop_if_missed(self):
        """The round may be among what was missed: only answers are still to come."""
        if self.missed and not self.unanswered and self.outcome is None:
            self.outcome = MISSED

    def on_product_opened(self, body):
        """An answer to ListProducts, earliest first, or a product that opens now: the order is for
        the next whose gate can still be reached, where none was named."""
        product = wire("ProductOpened").ProductOpened.GetRootAs(body, 0)
        wanted = self.product is None and product.Market() == self.options.market
        if wanted and product.GateNs() >= self.earliest_gate_ns:
            print(f"next product: start={product.StartMinuteUtc()}", flush=True)
            self.submit(product.StartMinuteUtc())

    def on_lottery(self, body):
        """What a round's lottery is held to, and once it is cleared its secret, which is checked."""
        lottery = wire("Lottery").Lottery.GetRootAs(body, 0)
        round_ = lottery.Round()
        given = bytes(lottery.Bytes(i) for i in range(lottery.BytesLength()))
        if (lottery.Market(), lottery.StartMinuteUtc()) != self.product:
            return
        if not lottery.Revealed():
            # The first counts: a later one could be chosen after the orders.
            first = self.lottery_hashes.setdefault(round_, given)
            if given != first:
                self.lottery_broken = True
                print(
                    f"lottery: round={round_} ANOTHER hash is announced, {given.hex()}, and the "
                    f"first was {first.hex()}",
                    flush=True,
                )
            return
        announced = self.lottery_hashes.get(round_)
        verdict = "as announced"
        if announced is None:
            verdict = "announced before we were there"
        elif hashlib.sha256(given).digest() != announced:
            self.lottery_broken = True
            verdict = f"NOT the one that was announced, of SHA-256 {announced.hex()}"
        print(f"lottery: round={round_} secret={given.hex()} {verdict}", flush=True)

    def submit(self, start_minute):
        order = {
            "account": self.options.account,
            "client_order_id": self.options.order_id or time.time_ns(),
            "market": self.options.market,
            "start_minute_utc": start_minute,
            "limit_ticks": self.options.limit_ticks,
            "energy_wh": self.options.energy_wh,
            "side": 0 if self.options.side == "buy" else 1,
            "response": INTERACTIVE if self.options.theta > 0 else FIXED,
        }
        self.product = (order["market"], start_minute)
        self.order_id = order["client_order_id"]
        self.send_numbered(submit_frame(self.next_seq, [order]))

    def send_numbered(self, request):
        """A request with the number `next_seq`; kept until it is answered."""
        self.unanswered[self.next_seq] = request
        self.next_seq += 1
        self.sock.sendall(request)

    def trade(self, deadline):
        last_heartbeat = time.monotonic()
        while self.outcome is None and time.monotonic() < deadline:
            message = self.next_message(0.2)
            if message:
                self.handle(*message)
            elif time.monotonic() - self.heard > 2 * self.heartbeat_s + SLACK_S:
                raise ConnectionEnded("the daemon is silent")
            if time.monotonic() - last_heartbeat > self.heartbeat_s / 2:
                self.sock.sendall(heartbeat_frame())
                last_heartbeat = time.monotonic()
        self.sock.sendall(logout_frame())

    def next_message(self, timeout_s):
        """(type, body) of the next whole frame, or None where none has come in time."""
        self.sock.settimeout(timeout_s)
        while True:
            if len(self.received) >= HEADER.size:
                length, message_type, version = HEADER.unpack_from(self.received)
                if len(self.received) >= length:
                    body = self.received[HEADER.size : length]
                    self.received = self.received[length:]
                    if version == VERSION:  # A newer daemon may say more than we know.
                        return message_type, body
                    continue
            try:
                piece = self.sock.recv(65536)
            except socket.timeout:
                return None
            if not piece:
                raise ConnectionEnded("closed")
            self.heard = time.monotonic()
            self.received += piece

    def handle(self, message_type, body):
        handlers = {
            ANSWER: self.on_answer,
            ROUND_CLEARED: self.on_round_cleared,
            FILLS: self.on_fills,
            ROUND_VOID: self.on_round_void,
            ORDER_CANCELLED: self.on_order_cancelled,
            PRODUCT_OPENED: self.on_product_opened,
            LOTTERY: self.on_lottery,
            PRICE_CALL: self.on_price_call,
            TERMINATE: self.on_terminate,
        }
        handler = handlers.get(message_type)
        if handler:
            handler(body)

    def on_price_call(self, body):
        call = wire("PriceCall").PriceCall.GetRootAs(body, 0)
        called = [call.Orders(i) for i in range(call.OrdersLength())]
        if (call.Market(), call.StartMinuteUtc()) != self.product or self.options.theta == 0:
            return
        ours = (self.options.account, self.order_id)
        if ours not in [(order.Account(), order.ClientOrderId()) for order in called]:
            return
        take_nwh = demand_nwh(
            self.options.limit_ticks,
            call.PriceTicks(),
            self.options.theta,
            self.options.energy_wh,
        )
        print(f"step {call.Step()}: {call.PriceTicks()} ticks, we take {take_nwh} nWh", flush=True)
        answer = {
            "account": self.options.account,
            "client_order_id": self.order_id,
            "demand_nwh": take_nwh,
            "market": call.Market(),
            "start_minute_utc": call.StartMinuteUtc(),
            "round": call.Round(),
            "step": call.Step(),
        }
        self.send_numbered(quantity_frame(self.next_seq, [answer]))

    def on_answer(self, body):
        answer = wire("Answer").Answer.GetRootAs(body, 0)
        if answer.Reason() in (BUSY, THROTTLED):
            time.sleep(answer.RetryAfterMs() / 1000)
            for request in self.unanswered.values():
                self.sock.sendall(request)
            return
        self.unanswered.pop(answer.ClientSeq(), None)
        refused = [
            (answer.Refused(i).Index(), answer.Refused(i).Reason())
            for i in range(answer.RefusedLength())
        ]
        print(
            f"answer: client_seq={answer.ClientSeq()} reason={answer.Reason()} refused={refused} "
            f"command_sequence={answer.CommandSequence()}",
            flush=True,
        )
        # One to a price that came too late, say: the exchange counts the answer before it.
        if answer.MessageType() != QUANTITY_REPLY and (answer.Reason() != 0 or refused):
            self.outcome = REFUSED
        self.stop_if_missed()

    def on_round_cleared(self, body):
        cleared = wire("RoundCleared").RoundCleared.GetRootAs(body, 0)
        self.next_event = cleared.Event() + 1
        price = "no trade"
        if cleared.Result() == 1:
            price = f"{cleared.BuyPriceTicks()}/{cleared.SellPriceTicks()} ticks"
        print(
            f"round cleared: market={cleared.Market()} start={cleared.StartMinuteUtc()} "
            f"round={cleared.Round()}/{cleared.Rounds()} {price} energy={cleared.EnergyWh()} Wh "
            f"fills={cleared.Fills()}",
            flush=True,
        )
        ours = (cleared.Market(), cleared.StartMinuteUtc()) == self.product
        last = cleared.Round() == cleared.Rounds() or not cleared.CarryOver()
        self.fills_to_come = cleared.Fills()
        self.last_round = ours and last
        if self.last_round and self.fills_to_come == 0:
            self.outcome = TRADED

    def on_fills(self, body):
        fills = wire("Fills").Fills.GetRootAs(body, 0)
        for i in range(fills.FillsLength()):
            fill = fills.Fills(i)
            self.filled_wh += fill.EnergyWh()
            print(
                f"fill: client_order_id={fill.ClientOrderId()} {fill.EnergyWh()} Wh at "
                f"{fill.PriceTicks()} ticks, amount={fill.AmountUnits()} units, "
                f"open={fill.OpenWh()} Wh",
                flush=True,
            )
        self.next_event = fills.FirstEvent() + fills.FillsLength()
        self.fills_to_come -= fills.FillsLength()
        if self.last_round and self.fills_to_come == 0:
            self.outcome = TRADED

    def on_round_void(self, body):
        void = wire("RoundVoid").RoundVoid.GetRootAs(body, 0)
        self.next_event = void.Event() + 1
        print(
            f"round void: market={void.Market()} start={void.StartMinuteUtc()} "
            f"reason={void.Reason()}",
            flush=True,
        )
        last = void.Round() == void.Rounds() or not void.CarryOver()
        if last and (void.Market(), void.StartMinuteUtc()) == self.product:
            self.outcome = TRADED

    def on_order_cancelled(self, body):
        cancelled = wire("OrderCancelled").OrderCancelled.GetRootAs(body, 0)
        self.next_event = cancelled.Event() + 1
        print(f"cancelled: {cancelled.ClientOrderId()} reason={cancelled.Reason()}", flush=True)
        if cancelled.ClientOrderId() == self.order_id:
            self.outcome = REFUSED

    def on_terminate(self, body):
        end = wire("Terminate").Terminate.GetRootAs(body, 0)
        again_ms = end.ReconnectAfterMs()
        raise ConnectionEnded(
            f"terminated: {(end.Text() or b'').decode()} ({end.Reason()})",
            again_ms / 1000 if again_ms > 0 else None,
        )


def whole(low, high):
    """A whole number that the wire can carry."""

    def parse(text):
        if not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text}: expected {low} to {high}")
        return int(text)

    return parse


def delivery(text):
    """A slot's start in minutes since 1970, UTC."""
    start = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    if start.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text}: expected a time in UTC, as 2024-06-01T12:00:00Z")
    return whole(0, 2**32 - 1)(int(start.timestamp()) // 60)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        epilog=__doc__[__doc__.index("It exits with"):],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=whole(1, 65535), required=True)
    parser.add_argument("--token", default=os.environ.get("PEERWATT_TOKEN"), help="or PEERWATT_TOKEN")
    parser.add_argument("--certificate", help="over TLS instead: PEM, certificate and key")
    parser.add_argument("--authorities", help="over TLS: PEM, who issued the daemon's certificate")
    parser.add_argument("--account", type=whole(1, 2**64 - 1), required=True)
    parser.add_argument("--market", type=whole(1, 2**32 - 1), default=1)
    parser.add_argument("--side", choices=["buy", "sell"], required=True)
    parser.add_argument("--limit-ticks", type=whole(-(10**9), 10**9), required=True)
    parser.add_argument("--energy-wh", type=whole(1, 4 * 10**9), required=True)
    parser.add_argument(
        "--theta",
        type=whole(0, 2**32 - 1),
        default=0,
        help="of a buyer: a live bid, that takes (limit - p) / theta MWh at a price p, theta in "
        "ticks per MWh; 0: the bid is fixed",
    )
    parser.add_argument(
        "--order-id", type=whole(1, 2**64 - 1), help="client_order_id; else from the clock"
    )
    parser.add_argument(
        "--start", type=delivery, help="as 2024-06-01T12:00:00Z; else that of the next product"
    )
    parser.add_argument("--heartbeat-s", type=whole(1, 300), default=10, help="asked for: 1 to 300")
    parser.add_argument("--timeout-s", type=float, default=600)
    options = parser.parse_args()
    # Files that are not there are an error now, and no lost connection.
    for name in (options.certificate, options.authorities):
        if name and not os.access(name, os.R_OK):
            parser.error(f"{name}: cannot be read")
    if bool(options.certificate) != bool(options.authorities):
        parser.error("--certificate and --authorities go together")
    if options.certificate:
        options.token = None
    elif not options.token:
        parser.error("--token is needed, or --certificate and --authorities")
    if options.theta > 0 and options.side == "sell":
        parser.error("--theta: only buyers are asked")
    return Controller(options).run()


if __name__ == "__main__":
    sys.exit(main())
