#!/usr/bin/python3
"""Puts .cpp files together into units, each of which is read by a compiler in one go: what they include is read once for
all of them. Files of a unit are compiled alike, and mean in company what they mean alone: no name that one of them makes
for itself (in a namespace without name, or as a macro) occurs in another, or is declared in a header that another reaches.

    units.py FILE...     prints the files, a unit a line
"""
import functools
import pathlib
import re
import sys

MOST = 12  # files of a unit
ROOT = pathlib.Path(__file__).resolve().parent.parent

COMMENT_OR_TEXT = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)
# A name behind one of these is that of a member, or of another library.
WORD = re.compile(r"(?<![\w.])(?<!->)(?<!std::)(?<!ranges::)(?<!fs::)[A-Za-z_]\w*")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
USING = re.compile(r"^using\s+([\w:]+);", re.MULTILINE)
INNER = re.compile(r"^namespace \{$.*?^\}  // namespace$", re.MULTILINE | re.DOTALL)
# What stands at the beginning of a line is outside of functions and types, as the files are formatted.
MAKES = [
    re.compile(r"^(?:struct|class|union|enum(?:\s+(?:class|struct))?)\s+(?:[A-Z_]+\s+)?(\w+)\s*(?:final\s*)?(?:\{|;|:(?!:))", re.MULTILINE),
    re.compile(r"^template\b[^;{]*?>\s*(?:struct|class|concept|using)\s+(\w+)", re.MULTILINE),
    re.compile(r"^(?:using|namespace|concept)\s+(\w+)\s*=", re.MULTILINE),
    re.compile(r"^(?=[A-Za-z_])(?!using\b|namespace\b|struct\b|class\b|enum\b)[\w:<>,&*\[\]() ]*?[ *&](\w+)\s*(?=[({\[=;])",
               re.MULTILINE),
]
DEFINES = re.compile(r"^\s*#\s*define\s+(\w+)", re.MULTILINE)
OUTSIDE = re.compile(r"^(?:static|constexpr|const)\b[^;{(]*?[ *&](\w+)\s*(?=[({\[=;])", re.MULTILINE)
# Their includes change what the preprocessor does with the file itself.
ALONE = re.compile(r"\b(?:HWY_TARGET_INCLUDE|foreach_target)\b|^\s*#\s*undef\b", re.MULTILINE)


@functools.cache
def names(path: pathlib.Path) -> tuple[frozenset[str], frozenset[str], dict[str, str], bool]:
    """-> what the file makes, all its words, what it takes by using, and whether it has to stay alone."""
    text = path.read_text(encoding="utf-8")
    bare = COMMENT_OR_TEXT.sub(" ", text)
    inner = COMMENT_OR_TEXT.sub(" ", "\n".join(INNER.findall(text)))
    made = {name for pattern in MAKES for name in pattern.findall(inner)}
    made.update(DEFINES.findall(bare), OUTSIDE.findall(bare))
    made -= {"operator", "namespace"}
    taken = {target.rsplit("::", 1)[-1]: target.lstrip(":") for target in USING.findall(bare)}
    return frozenset(made), frozenset(WORD.findall(bare)), taken, bool(ALONE.search(text))


@functools.cache
def declared_and_included(header: pathlib.Path) -> tuple[frozenset[str], tuple[pathlib.Path, ...]]:
    """-> names that the header declares outside of types, and the headers of Lectern that it includes."""
    text = header.read_text(encoding="utf-8")
    bare = COMMENT_OR_TEXT.sub(" ", text)
    found = ((folder / name for folder in (ROOT / "src", ROOT / "include", ROOT / "tests")) for name in INCLUDE.findall(text))
    included = [next((path for path in paths if path.is_file()), None) for paths in found]
    return (frozenset(name for pattern in MAKES for name in pattern.findall(bare)),
            tuple(path for path in included if path is not None))


@functools.cache
def declared_for(file: pathlib.Path) -> frozenset[str]:
    """What all headers of Lectern declare that the file reaches."""
    declared: set[str] = set()
    reached, waiting = set(), list(declared_and_included(file)[1])
    while waiting:
        header = waiting.pop()
        if header not in reached:
            reached.add(header)
            declared |= declared_and_included(header)[0]
            waiting += declared_and_included(header)[1]
    return frozenset(declared)


def go_together(a: pathlib.Path, b: pathlib.Path) -> bool:
    made_a, words_a, taken_a, alone_a = names(a)
    made_b, words_b, taken_b, alone_b = names(b)
    if alone_a or alone_b:
        return False
    if not made_a.isdisjoint(words_b | declared_for(b)) or not made_b.isdisjoint(words_a | declared_for(a)):
        return False
    return all(taken_b.get(name, target) == target for name, target in taken_a.items())


def units_of(files: list[pathlib.Path], alike=lambda path: "") -> list[list[pathlib.Path]]:
    """`alike` gives what has to be the same of all files in a unit."""
    units: dict[str, list[list[pathlib.Path]]] = {}
    for file in sorted(files):
        same = units.setdefault(alike(file), [])
        for unit in same:
            if len(unit) < MOST and all(go_together(file, other) for other in unit):
                unit.append(file)
                break
        else:
            same.append([file])
    return [unit for same in units.values() for unit in same]


if __name__ == "__main__":
    for found in units_of([pathlib.Path(name).resolve() for name in sys.argv[1:]]):
        print(*found)
