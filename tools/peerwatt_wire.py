"""The wire in Python: the frames that a controller sends, and the generated code of all messages.

schemas/README.md is the page beside it. Needs `python3-flatbuffers` and `flatc` (package
flatbuffers-compiler).
"""

import importlib
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

import flatbuffers

SCHEMA = pathlib.Path(__file__).resolve().parent.parent / "schemas" / "peerwatt.fbs"

# A frame is this header and a FlatBuffer, padded with zeros to a multiple of 8 bytes.
HEADER = struct.Struct("<IHH")  # Length of the whole frame, message type, version.
VERSION = 1

LOGON, LOGOUT, HEARTBEAT = 1, 2, 3
SUBMIT_ORDERS, QUANTITY_REPLY = 16, 21
LIST_OPEN_ORDERS, LIST_PRODUCTS = 64, 66
LOGON_ANSWER, ANSWER, OPEN_ORDERS = 129, 130, 131
ROUND_CLEARED, FILLS, ROUND_VOID, ORDER_CANCELLED = 144, 145, 146, 147
PRODUCT_OPENED, PRICE_CALL, LOTTERY = 160, 162, 163
TERMINATE = 192

FIXED, INTERACTIVE = 0, 3  # How the energy of a bid follows the price.


def generated_wire():
    """The Python code that flatc makes of the schema, generated anew for this process."""
    folder = tempfile.mkdtemp(prefix="peerwatt-wire-")
    sys.path.insert(0, folder)
    try:
        subprocess.run(["flatc", "--python", "-o", folder, str(SCHEMA)], check=True)
        names = [path.stem for path in pathlib.Path(folder, "wire").glob("[A-Z]*.py")]
        modules = {name: importlib.import_module("wire." + name) for name in names}
    finally:  # All of it is in memory: nothing stays behind, however this process ends.
        sys.path.remove(folder)
        shutil.rmtree(folder)
    return modules.__getitem__


wire = generated_wire()


def frame(message_type, builder, table):
    """One whole frame."""
    builder.Finish(table)
    body = bytes(builder.Output())
    body += bytes(-len(body) % 8)
    return HEADER.pack(HEADER.size + len(body), message_type, VERSION) + body


def logon_frame(token, next_event, heartbeat_s, cancel_on_disconnect=False):
    builder = flatbuffers.Builder(256)
    text = builder.CreateString(token)
    logon = wire("Logon")
    logon.LogonStart(builder)
    logon.LogonAddToken(builder, text)
    logon.LogonAddNextEvent(builder, next_event)
    logon.LogonAddHeartbeatS(builder, heartbeat_s)
    logon.LogonAddCancelOnDisconnect(builder, cancel_on_disconnect)
    return frame(LOGON, builder, logon.LogonEnd(builder))


def heartbeat_frame():
    builder = flatbuffers.Builder(64)
    heartbeat = wire("Heartbeat")
    heartbeat.HeartbeatStart(builder)
    return frame(HEARTBEAT, builder, heartbeat.HeartbeatEnd(builder))


def logout_frame():
    builder = flatbuffers.Builder(64)
    logout = wire("Logout")
    logout.LogoutStart(builder)
    return frame(LOGOUT, builder, logout.LogoutEnd(builder))


def list_products_frame(query, market):
    builder = flatbuffers.Builder(64)
    question = wire("ListProducts")
    question.ListProductsStart(builder)
    question.ListProductsAddQuery(builder, query)
    question.ListProductsAddMarket(builder, market)
    return frame(LIST_PRODUCTS, builder, question.ListProductsEnd(builder))


def list_open_orders_frame(query, account=0, market=0):
    builder = flatbuffers.Builder(64)
    question = wire("ListOpenOrders")
    question.ListOpenOrdersStart(builder)
    question.ListOpenOrdersAddQuery(builder, query)
    question.ListOpenOrdersAddAccount(builder, account)
    question.ListOpenOrdersAddMarket(builder, market)
    return frame(LIST_OPEN_ORDERS, builder, question.ListOpenOrdersEnd(builder))


def submit_frame(client_seq, orders):
    """`orders`: dictionaries with the fields of an Order; what this version does not use is zero."""
    builder = flatbuffers.Builder(1024)
    submit = wire("SubmitOrders")
    submit.SubmitOrdersStartOrdersVector(builder, len(orders))
    for order in reversed(orders):  # FlatBuffers are built from their end.
        wire("Order").CreateOrder(
            builder,
            account=order["account"],
            clientOrderId=order["client_order_id"],
            market=order["market"],
            startMinuteUtc=order["start_minute_utc"],
            limitTicks=order["limit_ticks"],
            energyWh=order["energy_wh"],
            minEnergyWh=0,
            responseParam=0,
            group=0,
            side=order["side"],
            response=order.get("response", FIXED),
            timeInForce=0,
            reserved0=0,
            reserved1=0,
            reserved2=0,
        )
    vector = builder.EndVector()
    submit.SubmitOrdersStart(builder)
    submit.SubmitOrdersAddClientSeq(builder, client_seq)
    submit.SubmitOrdersAddOrders(builder, vector)
    return frame(SUBMIT_ORDERS, builder, submit.SubmitOrdersEnd(builder))


def quantity_frame(client_seq, answers):
    """`answers`: dictionaries with the fields of a QuantityAnswer."""
    builder = flatbuffers.Builder(256)
    reply = wire("QuantityReply")
    reply.QuantityReplyStartAnswersVector(builder, len(answers))
    for answer in reversed(answers):
        wire("QuantityAnswer").CreateQuantityAnswer(
            builder,
            account=answer["account"],
            clientOrderId=answer["client_order_id"],
            demandNwh=answer["demand_nwh"],
            market=answer["market"],
            startMinuteUtc=answer["start_minute_utc"],
            round=answer["round"],
            step=answer["step"],
        )
    vector = builder.EndVector()
    reply.QuantityReplyStart(builder)
    reply.QuantityReplyAddClientSeq(builder, client_seq)
    reply.QuantityReplyAddAnswers(builder, vector)
    return frame(QUANTITY_REPLY, builder, reply.QuantityReplyEnd(builder))
