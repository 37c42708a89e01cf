#!/usr/bin/env python3
"""Checks the house rules that neither the compiler nor clang-tidy knows.

Prints `file:line: rule` for each breach; exit status 1 where there is one. CONTRIBUTING.md has the
rules in words.
"""

import pathlib
import re
import subprocess
import sys

HEADER_LINES = 200  # Those of tests hold what a test does and are counted as sources.
SOURCE_LINES = 400

# A layer and those whose headers it may include; the longest prefix of a path names its layer.
LAYERS = {
    "engine/core": ("engine/core",),
    "engine/journal": ("engine/core", "engine/journal"),
    "engine/runtime": ("engine/core", "engine/journal", "engine/runtime"),
    "engine/settlement": ("engine/core", "engine/settlement"),
    "gateway": ("engine/core", "engine/journal", "engine/runtime", "gateway", "schemas"),
    "schemas": ("schemas",),
    "tools": ("engine/core", "engine/journal", "engine/runtime", "engine/settlement", "gateway",
              "tools"),
    "bench": ("engine/core", "engine/journal", "engine/runtime", "engine/settlement", "gateway",
              "schemas", "tools", "bench", "tests"),
    "tests": ("engine/core", "engine/journal", "engine/runtime", "engine/settlement", "gateway",
              "schemas", "tools", "bench", "tests"),
}

BANNED_WORDS = {"util", "utils", "common", "misc", "helper", "helpers", "types", "manager", "context"}
WELL_KNOWN_NAMES = re.compile(r"CMakeLists\.txt|CMakePresets\.json|LICENSE|[A-Z]+\.md")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
# Comments and literals; line breaks in them survive, so that line numbers stay.
NOT_CODE = re.compile(
    r'R"\((?:.|\n)*?\)"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'|//[^\n]*'
    r'|/\*(?:.|\n)*?\*/')


def code_of(text):
    """The text with comments and literals blanked."""
    return NOT_CODE.sub(lambda match: "\n" * match.group().count("\n") + " ", text)


def layer_of(path):
    fitting = [layer for layer in LAYERS if path.startswith(layer + "/")]
    return max(fitting, key=len, default=None)


def lines_with(pattern, text):
    return [number for number, line in enumerate(text.split("\n"), 1) if re.search(pattern, line)]


def check_name(path):
    """Rules for where a file lies and what it is called."""
    *folders, name = path.split("/")
    if name.startswith(".") or path.startswith("."):
        return
    if folders and folders[0] in ("engine", "gateway", "schemas", "bench", "tools"):
        deepest = 3 if folders[0] == "engine" else 2
        if len(folders) > deepest:
            yield 1, f"lies {len(folders)} folders deep; at most {deepest} here"
    for part in folders + ([] if WELL_KNOWN_NAMES.fullmatch(name) else [name]):
        if not re.fullmatch(r"[a-z0-9][a-z0-9_]*(\.[a-z0-9_]+)*", part):
            yield 1, f"name '{part}' is not snake_case"
        stem = part.split(".")[0]
        if BANNED_WORDS & set(stem.split("_")):
            yield 1, f"name '{part}' says nothing of what is inside"


def check_include(path, target, quoted):
    """The rule that one include line breaks, or None."""
    layer = layer_of(path)
    outside = path.startswith(("tests/", "bench/"))
    in_codec = re.fullmatch(r"gateway/[a-z_]*(codec|frame)[a-z_]*\.(h|cc)", path)
    if target.startswith("flatbuffers/") or target.endswith("_generated.h"):
        if not (in_codec or outside or path.startswith("schemas/")):
            return "FlatBuffers belong to the codec and frame files of gateway"
    if quoted and "/" not in target and not target.endswith("_generated.h"):
        return "include from the repository root"
    if target == "liburing.h" and not (path.startswith("engine/journal/") or outside):
        return "liburing belongs to one file of engine/journal"
    if target.startswith("boost/") and path.startswith("engine/"):
        return "Boost belongs to gateway"
    reached = layer_of(target)
    if layer and reached and reached not in LAYERS[layer]:
        return f"{layer} must not include {reached}"
    if reached == "schemas" and not (in_codec or outside or layer == "schemas"):
        return "FlatBuffers belong to the codec and frame files of gateway"
    return None


def check_header(path, lines):
    if not re.match(r"// \S+ \S+ \S+", lines[0]):
        yield 1, "a header begins with one sentence on what it is"
    elif not any("." in line or ":" in line for line in lines[:4] if line.startswith("//")):
        yield 1, "the header's first sentence does not end"
    if "#pragma once" not in lines:
        yield 1, "#pragma once is missing"
    if len(lines) > HEADER_LINES and not path.startswith("tests/"):
        yield HEADER_LINES + 1, f"{len(lines)} lines; a header has at most {HEADER_LINES}"


def check_text(path, text):
    """Rules for what stands in a C++ file."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if path.endswith(".h"):
        yield from check_header(path, lines or [""])
    if len(lines) > SOURCE_LINES:
        yield SOURCE_LINES + 1, f"{len(lines)} lines; a source has at most {SOURCE_LINES}"
    for number, line in enumerate(lines, 1):
        include = INCLUDE.match(line)
        broken = include and check_include(path, include.group(2), include.group(1) == '"')
        if broken:
            yield number, broken
    code = code_of(text)
    if path.startswith("engine/"):
        for number in lines_with(r"\b(float|double)\b", code):
            yield number, "no floating point in engine"
    if path.startswith(("engine/", "gateway/")) and "_thread" not in path.split("/")[-1]:
        for number in lines_with(r"\bstd::j?thread\b(?!::)", code):
            yield number, "only a file named ..._thread starts a thread"


def check_words(path, text):
    """Rules for every text file."""
    for number in lines_with(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b", text):
        yield number, "finish it, or open an issue"
    for number in lines_with(r"\bDIS" + r"ABLED_", text):
        yield number, "a test runs or does not exist"
    if path.endswith((".h", ".cc")):
        for number in lines_with(r"NO" + r"LINT(NEXTLINE|BEGIN)?(?!\w)(?!\([^)]+\): \S)(?!END)", text):
            yield number, "a silenced linter names the check and the reason: (check): reason"


def check(root, paths):
    """All breaches of the files `paths` under `root`, as `file:line: rule`, in order."""
    found = []
    with_liburing = []
    for path in sorted(paths):
        found += [(path, *breach) for breach in check_name(path)]
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [(path, *breach) for breach in check_words(path, text)]
        if not path.endswith((".h", ".cc")):
            continue
        found += [(path, *breach) for breach in check_text(path, text)]
        if path.startswith("engine/") and "#include <liburing.h>" in text:
            with_liburing.append(path)
    for path in with_liburing[1:]:
        found.append((path, 1, f"liburing is already included by {with_liburing[0]}"))
    return [f"{path}:{line}: {rule}" for path, line, rule in found]


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
                            cwd=root, check=True, capture_output=True, text=True).stdout
    paths = [path for path in listed.split("\0") if path and (root / path).is_file()]
    breaches = check(root, paths)
    print("\n".join(breaches) if breaches else f"{len(paths)} files keep the house rules")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
