"""Each house rule fires on a file that breaks it, names its line, and leaves a clean file alone."""

import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import check_style  # noqa: E402

HEADER = "// What a slot is: an interval of delivery.\n#pragma once\n"


class HouseRules(unittest.TestCase):
    def breaches(self, files):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            return check_style.check(root, list(files))

    def assert_breach(self, path, text, line, words):
        found = self.breaches({path: text})
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(f"{path}:{line}: "), found)
        self.assertIn(words, found[0])

    def test_a_clean_tree_has_no_breach(self):
        self.assertEqual([], self.breaches({
            "engine/core/slot.h": HEADER,
            "engine/core/slot.cc": '#include "engine/core/slot.h"\n// A double auction.\n',
            "engine/journal/disk.cc": '#include <liburing.h>\n#include "engine/core/slot.h"\n',
            "gateway/codec.cc": '#include <flatbuffers/flatbuffers.h>\n#include "schemas/wire_generated.h"\n',
            "gateway/gateway_thread.cc": "std::jthread thread_;\n",
            "tests/gateway/codec_test.cc": '#include "schemas/wire_generated.h"\n',
            "tools/feed/city.cc": '#include "engine/core/slot.h"\ndouble x = 1\'000.0;\n',
            "CONTRIBUTING.md": "Rules.\n"}))

    def test_layers_point_one_way(self):
        for path, target in [("engine/core/a.cc", "engine/journal/b.h"),
                             ("engine/journal/a.cc", "engine/runtime/b.h"),
                             ("engine/runtime/a.cc", "gateway/b.h"),
                             ("engine/settlement/a.cc", "engine/journal/b.h"),
                             ("engine/core/a.cc", "engine/settlement/b.h"),
                             ("gateway/a.cc", "engine/settlement/b.h"),
                             ("gateway/a.cc", "tools/b.h"),
                             ("engine/core/a.cc", "bench/b.h"),
                             ("tools/a.cc", "tests/support/b.h")]:
            self.assert_breach(path, f'\n#include "{target}"\n', 2, "must not include")

    def test_a_library_has_one_place(self):
        self.assert_breach("engine/core/a.cc", "#include <liburing.h>\n", 1, "liburing")
        self.assert_breach("engine/runtime/a.cc", "#include <boost/asio.hpp>\n", 1, "Boost")
        self.assert_breach("gateway/session.cc", "#include <flatbuffers/flatbuffers.h>\n", 1,
                           "FlatBuffers")
        self.assert_breach("gateway/session.cc", '#include "schemas/wire_generated.h"\n', 1,
                           "FlatBuffers")
        found = self.breaches({"engine/journal/a.cc": "#include <liburing.h>\n",
                               "engine/journal/b.cc": "#include <liburing.h>\n"})
        self.assertEqual(len(found), 1)
        self.assertIn("already included by engine/journal/a.cc", found[0])

    def test_includes_begin_at_the_root(self):
        self.assert_breach("engine/core/a.cc", '#include "b.h"\n', 1, "repository root")

    def test_the_engine_has_no_floating_point(self):
        self.assert_breach("engine/core/a.cc", "int a;\ndouble b;\n", 2, "floating point")
        self.assert_breach("engine/journal/a.cc", "/* double\n */ float b;\n", 2, "floating point")

    def test_only_a_thread_file_starts_a_thread(self):
        self.assert_breach("engine/runtime/shard.cc", "std::jthread t;\n", 1, "starts a thread")

    def test_a_header_is_guarded_and_says_what_it_is(self):
        self.assert_breach("engine/core/a.h", "// What a slot is.\n", 1, "#pragma once")
        self.assert_breach("engine/core/a.h", "#pragma once\n", 1, "one sentence")
        self.assert_breach("engine/core/a.h", "// The slot of\n#pragma once\n", 1, "does not end")

    def test_files_stay_short(self):
        self.assert_breach("engine/core/a.h", HEADER + "\n" * 199, 201, "201 lines")
        self.assert_breach("engine/core/a.cc", "\n" * 401, 401, "401 lines")
        self.assert_breach("tests/support/a.h", HEADER + "\n" * 399, 401, "401 lines")
        self.assertEqual([], self.breaches({"engine/core/a.cc": "\n" * 400,
                                            "tests/support/a.h": HEADER + "\n" * 398,
                                            "engine/core/a.h": HEADER + "\n" * 198}))

    def test_names_are_snake_case_and_say_what_is_inside(self):
        self.assert_breach("engine/core/BookSide.cc", "", 1, "snake_case")
        self.assert_breach("gateway/string_utils.cc", "", 1, "says nothing")
        self.assert_breach("tools/common/a.cc", "", 1, "says nothing")

    def test_folders_are_flat(self):
        self.assert_breach("gateway/a/b/c.cc", "", 1, "folders deep")
        self.assertEqual([], self.breaches({"engine/core/clearing/rule.cc": ""}))

    def test_nothing_is_left_unfinished_or_silenced(self):
        self.assert_breach("README.md", "\nTO" + "DO: more\n", 2, "finish it")
        self.assert_breach("tests/a_test.cc", "TEST(A, DIS" + "ABLED_B)\n", 1, "a test runs")
        self.assert_breach("gateway/a.cc", "f();  // NO" + "LINT\n", 1, "silenced")
        self.assertEqual([], self.breaches(
            {"gateway/a.cc": "f();  // NO" + "LINT(bugprone-x): the caller owns it\n"}))


if __name__ == "__main__":
    unittest.main()
