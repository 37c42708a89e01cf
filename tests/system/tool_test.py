#!/usr/bin/python3
"""The command line of `peerwatt`: files in, files and words out."""

import contextlib
import csv
import hashlib
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from exchange import BIN, Exchange, peerwatt

BIDS = """round,interval_end,offer_time,duid,region,side,band,price_aud_mwh,mw
1,2022-01-01 00:15:00,2021-12-31 23:50:00,GAS1,NSW1,S,1,30,70
"""
DISPATCH = "round,DUID,AVAILABILITY\n1,GAS1,100\n"
DEMAND = "round,interval_end,region,total_demand_mw\n1,2022-01-01 00:15:00,NSW1,60\n"
LOAD = "hour,a,b\n" + "".join(f"{hour},1.0,0.5\n" for hour in range(24))
PV = "hour,a,b\n" + "".join(f"{hour},{2.0 if 9 <= hour < 15 else 0.0},0\n" for hour in range(24))


def refusal(*arguments):
    """The exit code and what is said of arguments that are refused."""
    done = subprocess.run([BIN / "peerwatt", *map(str, arguments)], capture_output=True, text=True,
                          timeout=60)
    return done.returncode, done.stderr


class Tool(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="peerwatt-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.feed = self.folder / "day.pwfeed"

    def write(self, name, text):
        (self.folder / name).write_text(text)
        return self.folder / name

    def markets_of_feed(self):
        """As `feed setup` tells them."""
        peerwatt("feed", "setup", self.feed, self.folder / "setup")
        return (self.folder / "setup/markets.toml").read_text()


class Clear(Tool):
    def test_names_the_tariffs_that_cannot_be(self):
        orders = self.write("orders.csv", "order_id,account,side,price_ticks,energy_wh\n"
                                          "1,a,buy,90,10\n2,b,sell,80,10\n")
        code, said = refusal("clear", orders, "--rule", "stackelberg", "--feed-in-ticks", 50,
                             "--retail-ticks", 20)
        self.assertEqual(code, 65)
        self.assertIn("--feed-in-ticks 50: allowed is at most --retail-ticks, here 20", said)


    def test_takes_its_options_before_its_file_and_after_it(self):
        orders = self.write("orders.csv", "order_id,account,side,price_ticks,energy_wh\n"
                                          "1,a,buy,90,10\n2,b,sell,80,10\n")
        before = peerwatt("clear", "--rule", "uniform", "--param", "k=1/4", "--param", "margin=time",
                          orders)
        self.assertEqual(json.loads(before)["price_ticks"], 82)
        self.assertEqual(before, peerwatt("clear", orders, "--param", "k=1/4", "--rule", "uniform",
                                          "--param", "margin=time"))


class CheckAcks(Tool):
    def test_needs_an_answer_and_leaves_out_one_that_is_cut(self):
        peerwatt("feed", "generate", self.feed, "--homes", 2)
        peerwatt("feed", "setup", self.feed, self.folder / "setup")
        subprocess.run([BIN / "peerwattd", "init", "--data", self.folder / "data", "--markets",
                        self.folder / "setup/markets.toml"], check=True, capture_output=True)
        for text, due in (("", "acks: no answer in it"), ("5 1 2", "acks: no answer in it"),
                          ("5 1 2\n", "acks:1: acknowledged, but the journal has no such command"),
                          ("five\n", "acks:1: not an answer")):
            code, said = refusal("journal", "check-acks", self.folder / "data",
                                 self.write("acks", text))
            self.assertEqual(code, 65)
            self.assertIn(due, said)


class HashToken(unittest.TestCase):
    def hash_of(self, text):
        return subprocess.run([BIN / "peerwattd", "hash-token"], input=text, capture_output=True,
                              timeout=60, text=True)

    def test_takes_a_token_a_line_and_no_empty_one(self):
        self.assertEqual(self.hash_of("pw_x\r\n").stdout, self.hash_of("pw_x").stdout)
        empty = self.hash_of("pw_x\n\npw_y\n")
        self.assertEqual(empty.returncode, 65)
        self.assertIn("line 2 of standard input is empty", empty.stderr)


class Output(Tool):
    """What cannot be written is an error: half of a result is none, and a token is told but once."""

    def to_a_full_disk(self, *command):
        with open("/dev/full", "w") as full:
            done = subprocess.run([str(word) for word in command], stdout=full, timeout=60,
                                  stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 74, done.stderr)
        return done.stderr

    def test_that_cannot_be_written_is_an_error(self):
        peerwatt("feed", "generate", self.feed, "--homes", 4)
        peerwatt("feed", "setup", self.feed, self.folder / "setup")
        markets = self.folder / "setup/markets.toml"
        orders = self.write("orders.csv", "order_id,account,side,price_ticks,energy_wh\n"
                                          "1,a,buy,90,10\n2,b,sell,80,10\n")
        for words in (("clear", orders, "--rule", "uniform"), ("feed", "info", self.feed),
                      ("compare", self.feed, "--rules", "uniform"),
                      ("replay", self.feed, "--offline", "--json")):
            self.assertIn("the output cannot be written",
                          self.to_a_full_disk(BIN / "peerwatt", *words))
        for words in (("--print-default-config",), ("hash-token", "--make", "2")):
            self.assertIn("the output cannot be written",
                          self.to_a_full_disk(BIN / "peerwattd", *words))
        lost = self.to_a_full_disk(BIN / "peerwattd", "init", "--data", self.folder / "data",
                                   "--markets", markets)
        self.assertIn(f"is lost: remove {self.folder / 'data'} and begin again", lost)


class FeedImport(Tool):
    def test_takes_every_parameter_of_a_nem_day(self):
        files = (self.write("bids.csv", BIDS), self.write("dispatch.csv", DISPATCH),
                 self.write("demand.csv", DEMAND))
        told = peerwatt("feed", "import", "nem", *files, self.feed, "--stamp", "start",
                        "--zone", "Etc/UTC", "--interval-minutes", 15, "--floor-ticks", -1000,
                        "--cap-ticks", 15100, "--open-before-s", 7200, "--gate-before-s", 60,
                        "--demand-lead-s", 90)
        self.assertIn("1 asks", told)
        info = peerwatt("feed", "info", self.feed)
        # Delivery begins at 00:15Z; demand enters 90 s before the gate, a minute before that.
        self.assertIn("2022-01-01T00:12:30", info)
        markets = self.markets_of_feed()
        for line in ("slot_minutes = 15", "band_low_ticks = -1000", "band_levels = 16101",
                     "open_before_s = 7200", "gate_before_s = 60", 'time_zone = "Etc/UTC"'):
            self.assertIn(line + "\n", markets)

    def test_takes_every_parameter_of_profiles(self):
        files = self.write("load.csv", LOAD), self.write("pv.csv", PV)
        peerwatt("feed", "import", "profiles", *files, self.feed, "--unit", "kw", "--stamp", "end",
                 "--zone", "Europe/Berlin", "--first-day", "2024-03-01", "--interval-minutes", 60,
                 "--skip-days", 0, "--days", 1, "--slot-minutes", 30, "--load-column", "a",
                 "--pv-column", "a", "--seed", 3, "--retail-ticks", 300, "--feed-in-ticks", 50,
                 "--home-shade-permille", 400, "--slot-shade-permille", 100,
                 "--corrections-permille", 0, "--last-lead-s", 60, "--homes-per-credential", 2,
                 "--connection-limit-w", 20000)
        markets = self.markets_of_feed()
        for line in ("slot_minutes = 30", "retail_ticks = 300", "feed_in_ticks = 50"):
            self.assertIn(line + "\n", markets)
        self.assertTrue((self.folder / "setup/accounts.csv").read_text().endswith("20000,20000\n"))
        self.assertIn("aggregator", (self.folder / "setup/credentials.csv").read_text())

    def test_that_fails_leaves_no_file_behind(self):
        files = self.write("load.csv", LOAD), self.write("pv.csv", PV.replace("hour,a", "hour,z"))
        self.write("bids.csv", BIDS.replace(",70\n", ",seventy\n"))
        self.write("dispatch.csv", DISPATCH)
        self.write("demand.csv", DEMAND)
        before = sorted(self.folder.iterdir())
        code, said = refusal("feed", "import", "nem", self.folder / "bids.csv",
                             self.folder / "dispatch.csv", self.folder / "demand.csv", self.feed)
        self.assertEqual(code, 65)
        self.assertIn("bids.csv:2: column 'mw'", said)
        code, _ = refusal("feed", "import", "profiles", *files, self.feed, "--days", 40)
        self.assertEqual(code, 65)
        self.assertEqual(sorted(self.folder.iterdir()), before)

    def test_has_two_kinds_and_says_so(self):
        code, said = refusal("feed", "import")
        self.assertEqual(code, 64)
        self.assertIn("subcommand is required", said)
        told = peerwatt("feed", "import", "--help")
        self.assertIn("profiles", told)
        self.assertIn("nem", told)


class FeedOptions(Tool):
    def test_out_of_range_are_refused_by_name(self):
        nem = ("feed", "import", "nem", "a", "b", "c", self.feed)
        profiles = ("feed", "import", "profiles", "a", "b", self.feed)
        generate = ("feed", "generate", self.feed)
        for command, option, value in (
                (nem, "--interval-minutes", 7), (nem, "--stamp", "middle"),
                (nem, "--cap-ticks", 2_000_000_000), (nem, "--open-before-s", 604_801),
                (nem, "--gate-before-s", -1), (nem, "--demand-lead-s", "soon"),
                (profiles, "--unit", "wh"), (profiles, "--interval-minutes", 0),
                (profiles, "--days", 4_000), (profiles, "--skip-days", -1),
                (profiles, "--homes-per-credential", 0), (generate, "--homes", 0),
                (generate, "--days", 0), (generate, "--pv-share", 101),
                (generate, "--seed", -1), (generate, "--home-shade-permille", 1_001),
                (generate, "--corrections-permille", -1), (generate, "--last-lead-s", 3_600),
                (generate, "--burst-permille", 1_001), (generate, "--burst-s", 3_600)):
            code, said = refusal(*command, option, value)
            self.assertEqual(code, 64, (option, value))
            self.assertIn(option, said)
        self.assertFalse(self.feed.exists())

    def test_that_make_no_market_together_are_refused(self):
        code, said = refusal("feed", "generate", self.feed, "--homes", 2, "--home-shade-permille",
                             900, "--slot-shade-permille", 200)
        self.assertEqual(code, 65)
        self.assertIn("shades above 1,000 permille", said)
        code, said = refusal("feed", "generate", self.feed, "--homes", 2, "--burst-permille", 1,
                             "--burst-s", 3_500, "--last-lead-s", 100)
        self.assertEqual(code, 65)
        self.assertIn("begins an hour before the gate", said)
        code, said = refusal("feed", "generate", self.feed, "--homes", 2, "--retail-ticks", 10,
                             "--feed-in-ticks", 20)
        self.assertEqual(code, 65)
        self.assertIn("make no band", said)


class ReplayOffline(Tool):
    def test_tells_the_same_digest_each_time_and_counts_what_traded(self):
        peerwatt("feed", "generate", self.feed, "--homes", 30, "--slot-minutes", 60)
        first, second = (json.loads(peerwatt("replay", self.feed, "--offline", "--json"))
                         for _ in range(2))
        self.assertEqual(first["digest"], second["digest"])
        self.assertGreater(first["orders"], 30 * 24)
        self.assertGreater(first["fills"], 0)
        self.assertEqual(first["rounds"], 24)
        self.assertIn(first["digest"], peerwatt("replay", self.feed, "--offline"))

    def test_needs_a_whole_feed_and_one_target(self):
        code, said = refusal("replay", self.feed, "--offline")
        self.assertNotEqual(code, 0)
        self.assertIn("day.pwfeed", said)
        peerwatt("feed", "generate", self.feed, "--homes", 2)
        code, said = refusal("replay", self.feed)
        self.assertEqual(code, 65)
        self.assertIn("expected --offline or --to HOST:PORT", said)
        code, _ = refusal("replay", self.feed, "--offline", "--to", "127.0.0.1:1")
        self.assertEqual(code, 64)
        self.feed.write_bytes(self.feed.read_bytes()[:5_000])
        code, said = refusal("replay", self.feed, "--offline")
        self.assertEqual(code, 65)
        self.assertIn("offset 5000: cut short", said)


class Compare(Tool):
    def test_bids_by_agents_and_says_so(self):
        peerwatt("feed", "generate", self.feed, "--homes", 20, "--slot-minutes", 60)
        rules = ("--rules", "uniform,huang")
        as_fed = peerwatt("compare", self.feed, *rules)
        truthful = peerwatt("compare", self.feed, *rules, "--agents", "truthful")
        self.assertTrue(as_fed.startswith("bids held fixed; not a forecast"))
        self.assertTrue(truthful.startswith("a simulation, not a forecast: all bid"))
        self.assertEqual(as_fed.split("\n")[1:], truthful.split("\n")[1:])
        first, second, other = (peerwatt("compare", self.feed, *rules, "--agents", "zip",
                                         "--seed", seed) for seed in (3, 3, 4))
        self.assertTrue(first.startswith("a simulation, not a forecast: zero-intelligence-plus "
                                         "agents, seed 3"))
        self.assertEqual(first, second)
        self.assertNotEqual(first.split("\n")[1:], other.split("\n")[1:])

    def test_refuses_agents_that_it_does_not_know_and_a_seed_of_nobody(self):
        peerwatt("feed", "generate", self.feed, "--homes", 2)
        code, said = refusal("compare", self.feed, "--agents", "sly")
        self.assertEqual(code, 64)
        self.assertIn("sly not in {truthful,zip}", said)
        code, said = refusal("compare", self.feed, "--agents", "zip", "--seed", -1)
        self.assertEqual(code, 64)
        for agents in ((), ("--agents", "truthful")):
            code, said = refusal("compare", self.feed, *agents, "--seed", 1)
            self.assertEqual(code, 65)
            self.assertIn("--seed: only --agents zip draws", said)


class Journal(Tool):
    """Of a daemon that took a whole feed."""

    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.exchange = stack.enter_context(
                Exchange(homes=10, credentials=3, generate=("--slot-minutes", 60)))
            cls.exchange.start()
            cls.replayed, _ = cls.exchange.replay("--rate", "max").communicate(timeout=60)
            cls.exchange.stop()
            cls.addClassCleanup(stack.pop_all().close)

    def test_dump_shows_every_record_in_sequence_and_every_order(self):
        told = peerwatt("journal", "dump", self.exchange.data)
        kinds = set(re.findall(r"(?m)^\d+ \d{4}-\d\d-\d\dT\S+Z (\w+)", told))
        self.assertLessEqual({"genesis", "define_market", "define_metering_point",
                              "define_account", "define_credential", "open_product",
                              "submit_orders", "replace_orders"}, kinds)
        numbers = [int(n) for n in re.findall(r"(?m)^(\d+) ", told)]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        orders = re.findall(r"account=\d+ client_order_id=\d+ market=1 delivery=\S+ (?:buy|sell) "
                            r"\d+ Wh at \d+ ticks", told)
        self.assertEqual(len(orders), json.loads(self.replayed)["orders"])

    def test_acts_say_who_defined_what_and_why(self):
        rows = list(csv.reader(peerwatt("journal", "acts", self.exchange.data).splitlines()))
        self.assertEqual(rows[0], ["sequence", "time", "who", "uid", "what", "id", "reason"])
        self.assertEqual(rows[1][4], "genesis")
        self.assertEqual({(*row[2:4], row[6]) for row in rows[2:]},
                         {("0", str(os.getuid()), "the directory was made")})
        self.assertEqual(sum(row[4] == "define_account" for row in rows), 10)
        told = peerwatt("journal", "dump", self.exchange.data)
        self.assertRegex(told, r"(?m)^\d+ \S+ define_account who=0 uid=\d+ reason=\"the directory was "
                               r"made\" items=10$")
        self.assertIn("kind=operator roles=read+operate+administer+surveillance", told)

    def test_dump_of_no_data_directory_is_an_error(self):
        code, said = refusal("journal", "dump", self.folder)
        self.assertNotEqual(code, 0)
        self.assertIn(str(self.folder), said)

    def test_export_is_a_feed_of_the_same_orders_under_other_names(self):
        key = self.write("key", "k" * 32)
        peerwatt("feed", "export", self.exchange.data, self.feed, "--key", key)
        again = self.folder / "again.pwfeed"
        peerwatt("feed", "export", self.exchange.data, again, "--key", key)
        other = self.folder / "other.pwfeed"
        peerwatt("feed", "export", self.exchange.data, other, "--key",
                 self.write("other", "o" * 32))
        self.assertEqual(self.feed.read_bytes(), again.read_bytes())
        self.assertNotEqual(self.feed.read_bytes(), other.read_bytes())
        replayed = json.loads(peerwatt("replay", self.feed, "--offline", "--json"))
        self.assertEqual(replayed["orders"], json.loads(self.replayed)["orders"])
        for token in self.exchange.tokens.values():
            digest = hashlib.sha256(token.encode()).digest()
            self.assertNotIn(digest, self.feed.read_bytes())
            self.assertIn(digest.hex(), (self.exchange.setup / "credentials.csv").read_text())

    def test_export_needs_a_key_that_is_long_enough(self):
        code, said = refusal("feed", "export", self.exchange.data, self.feed)
        self.assertEqual(code, 64)
        self.assertIn("--key", said)
        code, said = refusal("feed", "export", self.exchange.data, self.feed, "--key",
                             self.write("key", "short"))
        self.assertEqual(code, 65)
        self.assertIn("16 to 4096", said)
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["key"])


if __name__ == "__main__":
    unittest.main()
