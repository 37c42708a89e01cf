"""The list of mutants holds for this tree, each fault in one is named, and one that lives is found."""

import contextlib
import importlib.machinery
import importlib.util
import io
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
LOADER = importlib.machinery.SourceFileLoader("mutants", str(ROOT / "tools/mutants"))
mutants = importlib.util.module_from_spec(importlib.util.spec_from_loader("mutants", LOADER))
LOADER.exec_module(mutants)

PATCH = """An order that comes at the gate is taken.
Killer: slot_test Slot.EndsAtItsGate

diff --git a/engine/slot.cc b/engine/slot.cc
--- a/engine/slot.cc
+++ b/engine/slot.cc
@@ -1 +1 @@
-now < gate
+now <= gate
"""
# Stands for a test program: it looks into the source that it is "made" of.
PROGRAM = """#!/bin/sh
[ "$1" = --gtest_filter=Slot.EndsAtItsGate ] || exit 0
grep -q "now <= gate" engine/slot.cc && exit 1
echo "[  PASSED  ] 1 test."
"""
FILES = {
    "engine/slot.cc": "now < gate\n",
    "tests/CMakeLists.txt": "peerwatt_test(slot engine/slot_test.cc LINK engine_core)\n",
    "tests/engine/slot_test.cc": "TEST(Slot, EndsAtItsGate) {}\n",
    "tests/mutants/late_order.patch": PATCH,
    "tests/README.md":
        "| `late_order` | An order that comes at the gate is taken. | `Slot.EndsAtItsGate` |\n",
    "tests/program.sh": PROGRAM,
    ".gitignore": "build/\n",
    "CMakePresets.json":
        '{"version": 6, "configurePresets": [{"name": "release", "generator": "Ninja", '
        '"binaryDir": "${sourceDir}/build/release"}]}\n',
    "CMakeLists.txt":
        "cmake_minimum_required(VERSION 3.25)\nproject(slots NONE)\n"
        "add_custom_target(slot_test COMMAND ${CMAKE_COMMAND} -E copy "
        "${PROJECT_SOURCE_DIR}/tests/program.sh ${PROJECT_BINARY_DIR}/bin/slot_test)\n",
}


@unittest.skipUnless(shutil.which("git"), "there is no git, which applies the patches")
class Mutants(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()
        for path in FILES:
            self.write(path, FILES[path])
        (self.root / "tests/program.sh").chmod(0o755)
        subprocess.run(["git", "init", "--quiet", str(self.root)], check=True)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def assert_wrong(self, *words):
        wrong = mutants.check(self.root)
        self.assertEqual(len(words), len(wrong), wrong)
        for word, line in zip(words, wrong):
            self.assertIn(word, line)

    def run_all(self):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            alive = mutants.run(self.root, mutants.mutants_of(self.root))
        return alive, said.getvalue()

    def test_the_list_of_this_tree_holds(self):
        self.assertEqual([], mutants.check(ROOT))
        self.assertGreaterEqual(len(mutants.mutants_of(ROOT)), 20)

    def test_a_list_without_a_fault_has_none(self):
        self.assert_wrong()

    def test_a_patch_applies(self):
        self.write("engine/slot.cc", "gate > now\n")
        self.assert_wrong("late_order: does not apply")

    def test_a_killer_exists(self):
        self.write("tests/engine/slot_test.cc", "TEST(Slot, EndsAtItsGateClosure) {}\n")
        self.assert_wrong("slot_test has no Slot.EndsAtItsGate")
        self.write("tests/CMakeLists.txt", "")
        self.assert_wrong("names no test program")

    def test_the_readme_lists_the_patches_and_no_others(self):
        self.write("tests/README.md", FILES["tests/README.md"].replace("late", "early"))
        self.assert_wrong("row is missing: | `late_order`", "no patch has this row: | `early_order`")

    def test_the_copy_is_put_right_and_what_is_the_same_keeps_its_date(self):
        copy = self.root / "build/mutants"
        mutants.copy_tree(self.root, copy)
        same = (copy / "tests/README.md").stat().st_mtime_ns
        (copy / "engine/slot.cc").write_text("now <= gate\n", encoding="utf-8")
        (copy / "engine/left.cc").write_text("", encoding="utf-8")
        (copy / "build").mkdir()
        (copy / "build/kept").write_text("", encoding="utf-8")
        mutants.copy_tree(self.root, copy)
        self.assertEqual("now < gate\n", (copy / "engine/slot.cc").read_text(encoding="utf-8"))
        self.assertFalse((copy / "engine/left.cc").exists())
        self.assertTrue((copy / "build/kept").exists())
        self.assertEqual(same, (copy / "tests/README.md").stat().st_mtime_ns)

    def test_a_mutant_is_killed_and_only_the_copy_is_ever_changed(self):
        alive, said = self.run_all()
        self.assertEqual(0, alive, said)
        self.assertIn("late_order: killed (Slot.EndsAtItsGate)\n1 of 1 mutants killed", said)
        for tree in (self.root, self.root / "build/mutants"):
            self.assertEqual("now < gate\n", (tree / "engine/slot.cc").read_text(encoding="utf-8"))

    def test_one_that_lives_is_found(self):
        self.write("tests/program.sh", PROGRAM.replace("<= gate", "<< gate"))
        alive, said = self.run_all()
        self.assertEqual(1, alive, said)
        self.assertIn("late_order: LIVES", said)

    def test_a_killer_that_always_fails_or_does_not_run_kills_nothing(self):
        for program in (PROGRAM.replace("<=", "<"), PROGRAM.replace("Slot.", "Slots.")):
            self.write("tests/program.sh", program)
            alive, said = self.run_all()
            self.assertEqual(1, alive, said)
            self.assertIn("does not pass without the mutant either", said)


if __name__ == "__main__":
    unittest.main()
