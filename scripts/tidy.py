#!/usr/bin/python3
"""Runs clang-tidy over the .cpp files given, and remembers which were clean: a file is looked at again only when it, a
header of Lectern that it reaches, the way it is compiled, .clang-tidy or a package of this machine has changed.
What was clean is kept in $XDG_CACHE_HOME/lectern-tidy (~/.cache/lectern-tidy), thrown away when a month old.

    tidy.py [--jobs N] FILE...     prints the findings; ends with 1 if there are any
"""
import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
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


def tidy(path: pathlib.Path) -> tuple[int, str]:
    done = subprocess.run(["clang-tidy", "-p", str(BUILD), "--quiet", "--warnings-as-errors=*",
                           "--extra-arg=-Wno-unknown-warning-option", str(path)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description="clang-tidy over files that have changed since they were clean")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
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
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for (path, clean), (code, text) in zip(waiting.items(), pool.map(tidy, waiting)):
            if code == 0:
                clean.touch()
            else:
                status = 1
                print(text, end="" if text.endswith("\n") else "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
