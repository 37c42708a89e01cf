#!/usr/bin/python3
"""Operators with roles, against a real daemon: what they hear and see, what they may change, and what
the log and the journal say of it afterwards."""

import csv
import os
import subprocess
import time
import unittest

from exchange import BIN, Exchange, peerwatt
from raw_wire import ANSWER, Wire, body, later_start_minute, order
import peerwatt_wire

NOT_AUTHORISED = 102
OPERATORS = {101: "read surveillance", 102: "administer", 103: ""}


class Operator(Wire):
    """Or anyone else."""

    def log_on(self, token):
        return body("LogonAnswer", super().log_on(token))

    def open_orders(self, **scope):
        """The accounts of the orders that are listed, or why it is refused."""
        self.send(peerwatt_wire.list_open_orders_frame(1, **scope))
        accounts = []
        while True:
            kind, data = self.receive()
            if kind == ANSWER:
                return body("Answer", data).Reason()
            if kind != peerwatt_wire.OPEN_ORDERS:
                continue
            told = body("OpenOrders", data)
            accounts += [told.Orders(i).Account() for i in range(told.OrdersLength())]
            if told.End():
                return accounts


def hash_of(token):
    return subprocess.run([BIN / "peerwattd", "hash-token"], input=token, capture_output=True,
                          check=True, text=True).stdout.strip()


def acts(exchange):
    return list(csv.DictReader(peerwatt("journal", "acts", exchange.data).splitlines()))


def wait_for_log(exchange, words):
    for _ in range(200):
        if words in (exchange.folder / "daemon.log").read_text():
            return True
        time.sleep(0.05)
    return False


class Roles(unittest.TestCase):
    def configure(self, exchange, *words, code=0):
        """What it says; `words`: the files, the reason, who acts."""
        done = subprocess.run([BIN / "peerwattd", "configure", "--data", exchange.data, *words],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout + done.stderr

    def add_operators(self, exchange):
        """Their tokens are their numbers."""
        self.file = exchange.folder / "operators.csv"
        rows = [f"{number},operator,{hash_of(str(number))},0,{roles}"
                for number, roles in OPERATORS.items()]
        self.file.write_text("\n".join(["credential,kind,token_sha256,orders_per_second,roles",
                                        *rows]) + "\n")
        said = self.configure(exchange, "--credentials", self.file, "--reason",
                              'operators, "all" of them')
        self.assertIn("3 definitions new or changed", said)

    def test_surveillance_looks_into_a_sealed_book_and_the_log_says_so(self):
        with Exchange(homes=4, credentials=2) as exchange:
            self.add_operators(exchange)
            exchange.start()
            start = later_start_minute()
            account, other = exchange.accounts_of(1)[0], exchange.accounts_of(2)[0]
            for number, of in ((1, account), (2, other)):
                home = Operator(exchange.port)
                home.log_on(exchange.tokens[str(number)])
                home.send(peerwatt_wire.submit_frame(1, [order(of, 1, start, 0, 200, 100)]))
                self.assertEqual(body("Answer", home.receive_type(ANSWER)).RefusedLength(), 0)
                self.assertEqual(home.open_orders(market=1), [of])
                self.assertEqual(home.open_orders(account=account + other - of), [])
                home.close()
            watcher = Operator(exchange.port)
            logon = watcher.log_on("101")
            self.assertEqual([logon.Markets(i) for i in range(logon.MarketsLength())], [1])
            self.assertEqual(sorted(watcher.open_orders(market=1)), sorted([account, other]))
            self.assertEqual(watcher.open_orders(account=account), [account])
            self.assertEqual(watcher.open_orders(), [])
            watcher.close()
            self.assertTrue(wait_for_log(
                exchange, "operator 101 looked at 2 open orders of market=1 account=0"))
            self.assertTrue(wait_for_log(
                exchange, "operator 101 looks at open orders of market=1 account=0"))
            for number in (102, 103):
                blind = Operator(exchange.port)
                self.assertEqual(blind.log_on(str(number)).MarketsLength(), 0)
                self.assertEqual(blind.open_orders(market=1), NOT_AUTHORISED)
                self.assertEqual(blind.open_orders(account=account), NOT_AUTHORISED)
                self.assertEqual(blind.open_orders(), [])
                blind.close()
                self.assertTrue(wait_for_log(exchange, f"operator {number} was refused a look"))
            last = acts(exchange)[-1]  # Of a daemon that runs.
            self.assertEqual((last["who"], last["uid"], last["what"], last["id"], last["reason"]),
                             ("0", str(os.getuid()), "define_credential", "103",
                              'operators, "all" of them'))
            exchange.stop()
            peerwatt("journal", "verify", exchange.data)

    def test_a_change_has_a_reason_and_an_operator_needs_its_token_and_role(self):
        with Exchange(homes=2, credentials=1) as exchange:
            self.add_operators(exchange)
            before = len(acts(exchange))
            markets = exchange.folder / "changed.toml"
            text = (exchange.setup / "markets.toml").read_text()
            markets.write_text(text.replace("min_notice_s = ", "min_notice_s = 1"))
            self.assertNotEqual(markets.read_text(), text)
            change = ("--markets", markets, "--reason", "longer notice")
            for number in (102, 103):
                (exchange.folder / str(number)).write_text(f"{number}\n")
            by = lambda number, file: ("--operator", str(number), "--token-file",
                                       exchange.folder / str(file))
            self.assertIn("--reason", self.configure(exchange, "--markets", markets, code=64))
            for reason in ("", "two\nlines", "x" * 161):
                self.assertIn("a reason is a line of text", self.configure(
                    exchange, "--markets", markets, "--reason", reason, code=64))
            self.configure(exchange, *change, "--operator", "102", code=64)
            self.configure(exchange, *change, "--token-file", markets, code=64)
            self.assertIn("missing", self.configure(exchange, *change, *by(102, "missing"), code=66))
            self.assertIn("operator 102: the token is not its token",
                          self.configure(exchange, *change, *by(102, 103), code=65))
            self.assertIn("operator 103: it does not have the role administer",
                          self.configure(exchange, *change, *by(103, 103), code=65))
            self.assertIn("operator 1: there is no such operator",
                          self.configure(exchange, *change, *by(1, 102), code=65))
            self.assertEqual(len(acts(exchange)), before)
            self.assertIn("1 definitions", self.configure(exchange, *change, *by(102, 102)))
            self.assertEqual({key: acts(exchange)[-1][key]
                              for key in ("who", "uid", "what", "id", "reason")},
                             {"who": "102", "uid": "", "what": "define_market", "id": "1",
                              "reason": "longer notice"})
            self.assertIn('define_market who=102 reason="longer notice" items=1\n    market=1\n',
                          peerwatt("journal", "dump", exchange.data))


if __name__ == "__main__":
    unittest.main()
