"""The rows of the table of speeds: what is measured, beside what, and what is aimed at."""

import dataclasses
import json
import statistics


@dataclasses.dataclass(frozen=True)
class Row:
    """`ours` and `baseline` are names of benchmarks of one program, run in turns.

    measure: "speed" is items a second, ours over the baseline's, and more is better; "time" is time
    an item, and less is better. Of `ours` alone, where no baseline does the same: "millions" of
    items a second, "ns" an item, or a counter, of which less is better.
    """

    step: str
    program: str
    ours: str
    baseline: str
    measure: str
    aim: float
    unit: str = ""
    baseline_program: str = ""  # Where it is another one: then they are not run in turns.

    def benchmarks(self):
        """Pairs of program and name."""
        pairs = [(self.program, self.ours)]
        if self.baseline:
            pairs.append((self.baseline_program or self.program, self.baseline))
        return pairs

    @property
    def more_is_better(self):
        return self.measure in ("speed", "millions")


ROWS = [
    Row("clear a million orders, nothing trades, over sort and merge", "clearing_bench",
        "BM_ClearUniformPrice/orders:1000000/levels:65536/crossing:0",
        "BM_BaselineSortAndMerge/orders:1000000/levels:65536/crossing:0", "speed", 30),
    Row("clear a million orders, half of them trade, over sort and merge", "clearing_bench",
        "BM_ClearUniformPrice/orders:1000000/levels:65536/crossing:1",
        "BM_BaselineSortAndMerge/orders:1000000/levels:65536/crossing:1", "speed", 20),
    Row("an order of ten million cleared, over one of a million", "clearing_bench",
        "BM_ClearUniformPrice/orders:10000000/levels:65536/crossing:1",
        "BM_ClearUniformPrice/orders:1000000/levels:65536/crossing:1", "time", 1.25),
    Row("a whole round of 100,000 orders, over a sorted book", "book_bench",
        "BM_WholeRound/orders:100000/levels:65536",
        "BM_BaselineSortedBook/orders:100000/levels:65536", "speed", 10),
    Row("a whole round of a million orders, over a sorted book", "book_bench",
        "BM_WholeRound/orders:1000000/levels:65536",
        "BM_BaselineSortedBook/orders:1000000/levels:65536", "speed", 10),
    Row("an order added to a book, over a bare append and probe", "book_bench",
        "BM_BookAdd/100000", "BM_BaselineBareAppend/100000", "time", 1.5),
    Row("ring, one by one, over boost::lockfree::spsc_queue", "ring_bench",
        "BM_Ring/batch:1/real_time", "BM_BoostSpscQueue/batch:1/real_time", "speed", 1),
    Row("ring of commands, in batches of 64, over the same", "ring_bench",
        "BM_CommandRing/batch:64/real_time", "BM_BoostSpscQueue/batch:64/real_time", "speed", 1),
    Row("frame to command, an order of 64", "codec_bench", "BM_DecodeOrders/64", "", "ns", 10,
        "ns"),
    Row("frame to command, an order alone", "codec_bench", "BM_DecodeOrders/1", "", "ns", 150,
        "ns"),
    Row("offline replay of a generated day", "replay_bench", "BM_ReplayOffline/generated_day", "",
        "millions", 10, "M orders/s"),
    Row("recovery from the whole journal, over the offline replay", "recovery_bench",
        "BM_FromTheWholeJournal/commands:1000000/real_time", "BM_ReplayOffline/generated_day",
        "speed", 0.5, baseline_program="replay_bench"),
    Row("group commit, 64 KiB a batch, over bare writes", "journal_bench",
        "BM_Journal/65536/real_time", "BM_BareWrite/65536/real_time", "speed", 0.8),
    Row("group commit, 1 MiB a batch, over bare writes", "journal_bench",
        "BM_Journal/1048576/real_time", "BM_BareWrite/1048576/real_time", "speed", 0.8),
    Row("TCP, 1,000 connections, an order a frame, over a bare server", "round_trip_bench",
        "BM_Daemon/connections:1000/orders:1/window:1/real_time",
        "BM_BareServer/connections:1000/orders:1/window:1/real_time", "speed", 0.6),
    Row("TCP, frames of 64 orders, over a bare server", "round_trip_bench",
        "BM_Daemon/connections:16/orders:64/window:4/real_time",
        "BM_BareServer/connections:16/orders:64/window:4/real_time", "speed", 0.4),
    Row("TLS, 1,000 connections, an order a frame, over a bare TLS server", "round_trip_bench",
        "BM_DaemonTls/connections:1000/orders:1/window:1/real_time",
        "BM_BareServerTls/connections:1000/orders:1/window:1/real_time", "speed", 0.6),
    Row("TLS, frames of 64 orders, over a bare TLS server", "round_trip_bench",
        "BM_DaemonTls/connections:16/orders:64/window:4/real_time",
        "BM_BareServerTls/connections:16/orders:64/window:4/real_time", "speed", 0.5),
    Row("the last of 9,900 fills, over a bare loop of send", "fan_out_bench",
        "BM_Daemon/connections:9900/iterations:20/real_time", "BM_BareSend/connections:9900/iterations:20/real_time", "time",
        1.5),
    Row("handshakes with both certificates, over a bare TLS server", "round_trip_bench",
        "BM_DaemonHandshakes/connections:200/real_time",
        "BM_BareServerHandshakes/connections:200/real_time", "speed", 0.5),
    Row("memory of an idle connection", "round_trip_bench",
        "BM_Daemon/connections:1000/orders:1/window:1/real_time", "", "kib_a_connection", 8,
        "KiB"),
    Row("memory of an idle connection over TLS", "round_trip_bench",
        "BM_DaemonTls/connections:1000/orders:1/window:1/real_time", "", "kib_a_connection", 90,
        "KiB"),
]


def values_of(measured, benchmark, measure):
    """Of each repetition, by measure. `measured`: the runs of each program."""
    program, name = benchmark
    runs = [run for run in measured.get(program, [])
            if run["run_name"] == name and run["run_type"] == "iteration"]
    per_rate = {"speed": lambda rate: rate, "time": lambda rate: 1 / rate,
                "millions": lambda rate: rate / 1e6, "ns": lambda rate: 1e9 / rate}
    if measure in per_rate:
        rates = [run.get("items_per_second", run.get("bytes_per_second")) for run in runs]
        return [per_rate[measure](rate) for rate in rates]
    return [run[measure] for run in runs]


def result_of(row, measured):
    """None where a benchmark did not run. The spread is half of what its repetitions lie apart."""
    benchmarks = row.benchmarks()
    ours = values_of(measured, benchmarks[0], row.measure)
    if not ours:
        return None
    base = 1.0
    if row.baseline:
        baseline = values_of(measured, benchmarks[1], row.measure)
        if not baseline:
            return None
        base = statistics.median(baseline)
    ratios = [one / base for one in ours]
    value = statistics.median(ratios)
    return {
        "step": row.step,
        "ours": statistics.median(ours),
        "baseline": base if row.baseline else None,
        "value": value,
        "spread": (max(ratios) - min(ratios)) / 2,
        "aim": row.aim,
        "unit": row.unit,
        "more_is_better": row.more_is_better,
        "met": value >= row.aim if row.more_is_better else value <= row.aim,
        "repetitions": len(ours),
    }


def table_of(results):
    """In Markdown."""
    lines = ["| step | measured | spread | aim | |", "| --- | --- | --- | --- | --- |"]
    for result in results:
        bound = "at least" if result["more_is_better"] else "at most"
        unit = f" {result['unit']}" if result["unit"] else " times"
        lines.append(
            f"| {result['step']} | {result['value']:.3g}{unit} "
            f"| {100 * result['spread'] / result['value']:.0f} % "
            f"| {bound} {result['aim']:g} | {'met' if result['met'] else 'not met'} |")
    return "\n".join(lines)


def changes_of(old, new):
    """Lines on each step that both have: what became of it, and whether that is more than noise."""
    lines = []
    before = {result["step"]: result for result in old["results"]}
    for now in new["results"]:
        then = before.get(now["step"])
        if then is None:
            lines.append(f"new     {now['step']}: {now['value']:.3g}")
            continue
        change = now["value"] / then["value"] - 1
        noise = (now["spread"] + then["spread"]) / then["value"]
        if abs(change) <= noise:
            word = "same"
        else:
            word = "better" if (change > 0) == now["more_is_better"] else "worse"
        lines.append(f"{word:7} {now['step']}: {then['value']:.3g} -> {now['value']:.3g} "
                     f"({100 * change:+.0f} %, noise {100 * noise:.0f} %)")
    for step in before.keys() - {result["step"] for result in new["results"]}:
        lines.append(f"gone    {step}")
    return lines


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)
