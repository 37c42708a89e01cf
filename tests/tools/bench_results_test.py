"""What bench/run says of measured runs, and bench/compare of two of them."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
import growth  # noqa: E402
import results  # noqa: E402


def runs(name, rates, **counters):
    return [{"run_name": name, "run_type": "iteration", "items_per_second": rate, **counters}
            for rate in rates] + [{"run_name": name, "run_type": "aggregate",
                                   "items_per_second": 1}]


SPEED = results.Row("speed", "p", "ours", "base", "speed", 2)
TIME = results.Row("time", "p", "ours", "base", "time", 1.5)


class Results(unittest.TestCase):
    def test_a_speed_is_the_median_over_the_baselines_median(self):
        measured = {"p": runs("ours", [10, 40, 30]) + runs("base", [9, 10, 30])}
        result = results.result_of(SPEED, measured)
        self.assertEqual(result["value"], 3)
        self.assertEqual(result["spread"], 1.5)
        self.assertTrue(result["met"])

    def test_of_times_less_is_better(self):
        measured = {"p": runs("ours", [10]) + runs("base", [20])}
        result = results.result_of(TIME, measured)
        self.assertEqual(result["value"], 2)
        self.assertFalse(result["met"])
        self.assertIn("not met", results.table_of([result]))

    def test_what_did_not_run_is_no_result(self):
        self.assertIsNone(results.result_of(SPEED, {"p": runs("ours", [10])}))
        self.assertIsNone(results.result_of(SPEED, {}))

    def test_a_counter_stands_alone(self):
        row = results.Row("memory", "p", "ours", "", "kib", 8, "KiB")
        result = results.result_of(row, {"p": runs("ours", [1, 1], kib=6.5)})
        self.assertEqual((result["value"], result["met"]), (6.5, True))

    def test_every_row_names_a_benchmark_that_there_is(self):
        sources = "".join(path.read_text(encoding="utf-8")
                          for path in (ROOT / "bench").glob("*_bench.cc"))
        for row in results.ROWS:
            for _, name in row.benchmarks():
                self.assertIn(name.split("/")[0], sources, row.step)

    def test_a_change_within_the_noise_is_none(self):
        def of(value, spread, more=True):
            return {"results": [{"step": "s", "value": value, "spread": spread,
                                 "more_is_better": more}]}
        self.assertIn("same", results.changes_of(of(10, 1), of(11.5, 1))[0])
        self.assertIn("better", results.changes_of(of(10, 1), of(13, 1))[0])
        self.assertIn("worse", results.changes_of(of(10, 1), of(7, 1))[0])
        self.assertIn("worse", results.changes_of(of(10, 1, False), of(13, 1, False))[0])
        self.assertIn("gone", results.changes_of(of(10, 1), {"results": []})[0])

    def test_compare_fails_where_something_is_worse_or_cannot_be_read(self):
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for value in (10, 5):
                files.append(pathlib.Path(folder) / f"{value}.json")
                files[-1].write_text(json.dumps({"results": [
                    {"step": "s", "value": value, "spread": 0.1, "more_is_better": True}]}),
                    encoding="utf-8")
            compare = [sys.executable, str(ROOT / "bench/compare")]
            for arguments, code in ((files, 1), (files[::-1], 0), (files[:1], 64),
                                    ([files[0], folder], 66)):
                done = subprocess.run(compare + [str(one) for one in arguments], check=False,
                                      capture_output=True, text=True)
                self.assertEqual(done.returncode, code, done.stderr)

    def test_the_picture_has_a_curve_for_what_was_measured(self):
        program, names = next(iter(growth.wanted().items()))
        measured = {program: [run for name in names for run in runs(name, [1e8])]}
        self.assertEqual(growth.draw(measured).count("<polyline"), len(growth.CURVES))
        self.assertEqual(growth.draw({}).count("<polyline"), 0)


if __name__ == "__main__":
    unittest.main()
