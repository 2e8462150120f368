#!/usr/bin/python3
"""Runs clang-tidy over the .cpp files given, and remembers which were clean: a file is looked at again only when it, a
header of Lectern that it reaches, the way it is compiled, .clang-tidy or a package of this machine has changed.
What was clean is kept in $XDG_CACHE_HOME/lectern-tidy (~/.cache/lectern-tidy), thrown away when a month old.
Files are looked at in units (scripts/units.py), since most of the time goes into what they include; those of a unit
with a finding, or that does not compile, are looked at once more one by one.

    tidy.py [--jobs N] FILE...     prints the findings; ends with 1 if there are any
    tidy.py --self-test            ends with 1 if a unit hides a finding
"""
import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

from units import units_of

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "tidy"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "lectern-tidy"
INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
MONTH = 30 * 24 * 3600


def output(*command: str) -> bytes:
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout


@functools.cache
def machine() -> bytes:
    """What all results depend on: the tool, its settings, the headers of other libraries."""
    return output("clang-tidy", "--version") + output("dpkg-query", "-W") + (ROOT / ".clang-tidy").read_bytes()


@functools.cache
def digest_and_includes(path: pathlib.Path) -> tuple[bytes, list[pathlib.Path]]:
    text = path.read_bytes()
    included = []
    for match in INCLUDE.finditer(text):
        found = (base / match[1].decode() for base in (ROOT / "src", ROOT / "include", BUILD / "include"))
        included += [candidate for candidate in found if candidate.is_file()][:1]
    return hashlib.sha256(text).digest(), included


def key_of(path: pathlib.Path, command: str) -> str:
    reached, waiting = set(), [path]
    while waiting:
        file = waiting.pop()
        if file not in reached:
            reached.add(file)
            waiting += digest_and_includes(file)[1]
    key = hashlib.sha256(machine() + command.replace(str(ROOT), "").encode())
    for file in sorted(reached):
        key.update(digest_and_includes(file)[0])
    return key.hexdigest()


def tidy(path: pathlib.Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(["clang-tidy", "--quiet", "--warnings-as-errors=*",
                           "--extra-arg=-Wno-unknown-warning-option", str(path), *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


@functools.cache
def flags_of(command: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those of a command of compile_commands.json that say what a file means, and the folders of other libraries."""
    words = shlex.split(command)
    flags, libraries, behind = [], [], ""
    for word in words[next((i for i, word in enumerate(words) if word.startswith("-")), len(words)):]:
        if behind == "-isystem":
            libraries.append(word)
        elif word.startswith(("-D", "-I", "-std=", "-fopenmp", "-pthread")):
            flags.append(word)
        behind = word
    return tuple(flags), tuple(libraries)


def tidy_unit(files: list[pathlib.Path], flags: list[str], folder: pathlib.Path) -> tuple[int, str]:
    unit = folder / f"unit_{hashlib.sha256(str(files).encode()).hexdigest()[:16]}.cpp"
    unit.write_text("".join(f'#include "{file}"  // NOLINT(bugprone-suspicious-include)\n' for file in files))
    return tidy(unit, f"--config-file={ROOT / '.clang-tidy'}", "--", *flags)


def look_at(files: list[pathlib.Path], commands: dict[str, str], folder: pathlib.Path) -> dict[pathlib.Path, str]:
    """-> the findings in each file; no text: it is clean."""
    if len(files) > 1:
        flags = list(flags_of(commands[str(files[0])])[0])
        libraries = dict.fromkeys(library for file in files for library in flags_of(commands[str(file)])[1])
        if tidy_unit(files, flags + [f"-isystem{library}" for library in libraries], folder)[0] == 0:
            return {file: "" for file in files}
    found = {}
    for file in files:
        code, text = tidy(file, "-p", str(BUILD))
        found[file] = text or "clang-tidy failed" if code != 0 else ""
    return found


def self_test() -> int:
    """One finding a file, of checks of different kinds; none may be lost in company."""
    bad = {
        "naming": "int BadName() { return 0; }",
        "move": "#include <string>\n#include <utility>\nint f(std::string);\n"
                "int moved(std::string s) { return f(std::move(s)) + static_cast<int>(s.size()); }",
        "push": "#include <vector>\nstd::vector<int> pushed(const std::vector<int>& in) {\n  std::vector<int> out;\n"
                "  for (const int i : in) out.push_back(i + 1);\n  return out;\n}",
        "value": "#include <string>\nsize_t by_value(std::string s) { return s.size(); }",
        "division": "double half(int i) { return i / 2; }",
        "header": "#include <vector>\n#include <vector>\nint twice() { return 2; }",
        "member": "class Thing {\n public:\n  int get() const { return value; }\n\n private:\n  int value = 0;\n};\n"
                  "int get() { return Thing().get(); }",
        "null": "namespace {\nconst char* none() { return 0; }\n}  // namespace\nbool has() { return none() != nullptr; }",
        "deprecated": "#include <string.h>\nsize_t length() { return strlen(\"x\"); }",
        "macro": "#define WORDS 1\nstruct Base {\n  virtual ~Base() = default;\n  virtual void f() {}\n};\n"
                 "struct Derived : Base {\n  virtual void f() {}\n};\nvoid use() { Derived().f(); }",
    }
    status = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name) / "src"
        folder.mkdir()
        files = []
        for stem, text in bad.items():
            files.append(folder / f"{stem}.cpp")
            files[-1].write_text(text + "\n")
        clean = folder / "clean.cpp"
        clean.write_text("int one() { return 1; }\n")
        code, text = tidy_unit([*files, clean], ["-std=c++20"], folder)
        for file in files:
            if code == 0 or not re.search(rf"/{file.name}:\d+:\d+: error: .*\[", text):
                print(f"the finding in {file.name} is lost in a unit:\n{text}")
                status = 1
        if f"/{clean.name}:" in text:
            print(f"there is none in {clean.name}:\n{text}")
            status = 1
        if tidy_unit([clean], ["-std=c++20"], folder)[0] != 0:
            print("a clean unit is not clean")
            status = 1
    return status


def main() -> int:
    parser = argparse.ArgumentParser(description="clang-tidy over files that have changed since they were clean")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    if options.self_test:
        return self_test()
    commands = {entry["file"]: entry["command"] for entry in json.loads((BUILD / "compile_commands.json").read_text())}
    CACHE.mkdir(parents=True, exist_ok=True)
    for old in CACHE.iterdir():
        if old.stat().st_mtime < time.time() - MONTH:
            old.unlink(missing_ok=True)
    waiting = {}
    for file in options.files:
        path = file.resolve()
        clean = CACHE / key_of(path, commands.get(str(path), ""))
        if clean.exists():
            clean.touch()
        else:
            waiting[path] = clean
    print(f"{len(options.files) - len(waiting)} of {len(options.files)} files are as they were when they were clean")
    status = 0
    units = units_of(list(waiting), lambda path: flags_of(commands.get(str(path), ""))[0])
    units.sort(key=len, reverse=True)
    with tempfile.TemporaryDirectory() as name, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for found in pool.map(lambda unit: look_at(unit, commands, pathlib.Path(name)), units):
            for path, text in found.items():
                if not text:
                    waiting[path].touch()
                else:
                    status = 1
                    print(text, end="" if text.endswith("\n") else "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
