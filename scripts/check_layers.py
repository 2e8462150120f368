#!/usr/bin/python3
"""Holds the order of the folders of src/ (DESIGN.md, "The house"): a file includes only from its own folder or
from one before it; folders of one rank do not include each other. Public headers (include/lectern/) may be included
by all and include nothing but each other. A test lies where its subject lies: tests/FOLDER/x_test.cpp
belongs to an x.h or x.cpp in src/FOLDER.

    check_layers.py [--root DIR]     prints every violation; ends with 1 if there is one
    check_layers.py --self-test      shows that each kind of violation is found
"""
import argparse
import pathlib
import re
import sys
import tempfile

RANK = {"core": 0, "pdf": 1, "device": 1, "checkpoint": 2, "hub": 2, "vision": 3, "language": 3, "engine": 4,
        "document": 5, "server": 6, "cli": 7}
# What names no device: of src/device/ these include only what lies in that folder itself.
ANY_DEVICE = {"checkpoint", "vision", "language", "engine"}
# Folders of tests/ that hold no mirrored tests.
TESTS_EXEMPT = {"fuzz", "data", "support", "fake_cann"}
# Tests without a single file as their subject, each with the reason.
TESTS_ALLOWED: dict[str, str] = {
    "tests/engine/goldens_test.cpp": "the whole model against the reference",
    "tests/document/broken_pdf_test.cpp": "files against the reader, the helper and poppler together",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes(path: pathlib.Path):
    """-> line number, whether quoted, name."""
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if match := INCLUDE.match(line):
            yield number, match[1] == '"', match[2]


def sources(folder: pathlib.Path):
    return sorted(p for suffix in ("*.h", "*.cpp") for p in folder.rglob(suffix))


def include_error(folder: str, quoted: bool, name: str, root: pathlib.Path) -> str | None:
    """What is wrong with an include in a file of src/FOLDER, or of include/ when FOLDER is 'public'."""
    target = name.split("/")[0]
    if ".." in name.split("/"):
        return "write the path from src/, without '..'"
    if target == "lectern":
        return None if (root / "include" / name).exists() else f"there is no include/{name}"
    if target not in RANK:
        if quoted and "/" not in name:
            return "write the path from src/"
        return None  # another library
    if not quoted:
        return "put Lectern's own headers in quotes"
    if not (root / "src" / name).exists():
        return f"there is no src/{name}"
    if folder == "public":
        return "a public header includes only public headers"
    if target == "device" and folder in ANY_DEVICE and name.count("/") > 1:
        return f"{folder} runs on any device and names none"
    if target == folder or RANK[target] < RANK[folder]:
        return None
    beside = RANK[target] == RANK[folder]
    return f"{folder} and {target} do not include each other" if beside else f"{folder} comes before {target}"


def check(root: pathlib.Path) -> list[str]:
    errors = []
    for base in ("include", "src"):
        for path in sources(root / base):
            parts = path.relative_to(root / base).parts
            folder = "public" if base == "include" else parts[0]
            if base == "src" and (len(parts) < 2 or folder not in RANK):
                errors.append(f"{path.relative_to(root)}: lies in none of the folders {', '.join(RANK)}")
                continue
            for line, quoted, name in includes(path):
                if error := include_error(folder, quoted, name, root):
                    errors.append(f"{path.relative_to(root)}:{line}: includes {name}: {error}")
    for path in sources(root / "tests"):
        parts = path.relative_to(root / "tests").parts
        shown = str(path.relative_to(root))
        errors += [f"{shown}:{line}: includes {name}: write the path from src/ or tests/, without '..'"
                   for line, _, name in includes(path) if ".." in name.split("/")]
        if parts[0] in TESTS_EXEMPT or shown in TESTS_ALLOWED or not path.name.endswith("_test.cpp"):
            continue
        subject = path.name.removesuffix("_test.cpp")
        if parts[0] not in RANK or len(parts) < 2:
            errors.append(f"{shown}: tests lie in a folder named as in src/")
        elif not any(p.stem == subject for p in sources(root / "src" / parts[0])):
            errors.append(f"{shown}: there is no {subject}.h or {subject}.cpp in src/{parts[0]}/")
    return errors


def self_test() -> None:
    good = {
        "include/lectern/error.h": "#include <string>\n",
        "include/lectern/model.h": '#include "lectern/error.h"\n',
        "src/core/tensor.h": '#include "lectern/error.h"\n',
        "src/core/threads.h": '#include "core/tensor.h"\n#include <vector>\n',
        "src/device/cpu/linear.cpp": '#include "core/tensor.h"\n#include "hwy/highway.h"\n',
        "src/vision/clip.h": '#include "core/tensor.h"\n',
        "src/language/decoder.cpp": '#include "core/tensor.h"\n',
        "src/engine/reader.cpp": '#include "vision/clip.h"\n#include "lectern/model.h"\n',
        "src/cli/main.cpp": '#include "vision/clip.h"\n',
        "tests/core/tensor_test.cpp": '#include "core/tensor.h"\n',
        "tests/device/linear_test.cpp": "",
        "tests/fuzz/anything_test.cpp": "",
    }
    bad = {
        "upward": ("src/core/a.h", '#include "vision/clip.h"\n'),
        "upward, indented": ("src/device/a.h", '  #  include "engine/reader.cpp"\n'),
        "vision to language": ("src/vision/a.cpp", '#include "language/decoder.cpp"\n'),
        "language to vision": ("src/language/a.cpp", '#include "vision/clip.h"\n'),
        "a device named": ("src/vision/a.cpp", '#include "device/cpu/linear.cpp"\n'),
        "dots": ("src/cli/a.cpp", '#include "../core/tensor.h"\n'),
        "dots in a test": ("tests/core/support.h", '#include "../src/core/tensor.h"\n'),
        "bare name": ("src/core/a.cpp", '#include "tensor.h"\n'),
        "angle brackets": ("src/cli/a.cpp", "#include <core/tensor.h>\n"),
        "missing header": ("src/cli/a.cpp", '#include "core/nothing.h"\n'),
        "public to private": ("include/lectern/a.h", '#include "core/tensor.h"\n'),
        "unknown folder": ("src/misc/a.cpp", ""),
        "no folder": ("src/a.cpp", ""),
        "test without a subject": ("tests/core/nothing_test.cpp", ""),
        "test of another folder's file": ("tests/vision/tensor_test.cpp", ""),
        "test without a folder": ("tests/tensor_test.cpp", ""),
    }

    def errors_with(extra: dict[str, str]) -> list[str]:
        with tempfile.TemporaryDirectory() as name:
            for file, text in {**good, **extra}.items():
                path = pathlib.Path(name, file)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return check(pathlib.Path(name))

    assert errors_with({}) == [], errors_with({})
    for case, (file, text) in bad.items():
        found = errors_with({file: text})
        assert len(found) == 1 and found[0].startswith(file), f"{case}: expected one error in {file}, got {found}"


def main() -> int:
    parser = argparse.ArgumentParser(description="checks the order of the folders of src/ and the place of the tests")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        self_test()
        print("every kind of violation is found")
        return 0
    errors = check(options.root)
    print("\n".join(errors), end="\n" if errors else "")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
