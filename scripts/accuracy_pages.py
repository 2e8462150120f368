#!/usr/bin/python3
"""Measures build/lectern, and Tesseract where it is installed, on whole printed pages in font families that the shipped
model has not seen (printed_pages.py draws them). Prints, for each, character and word error by kind of page, by damage
and by resolution, seconds a page, the share of pages in the right reading order, the share of words whose box overlaps
the true one by half, and for Lectern how well its confidence fits.

White space counts as one space. A page counts for at most its length. Ends with 1 when a rate is above --limit, with 2
when nothing could be read.
"""
import argparse
import csv
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from accuracy import ROOT
from page_scores import Reading, Score, rates, score
from printed_pages import DAMAGES, KINDS, RESOLUTIONS, Page, draw_pages

BINS = (0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0001)


def read_with_lectern(options: argparse.Namespace, pages: list[Page], folder: str) -> tuple[list[Reading], float]:
    out = os.path.join(folder, "lectern")
    shutil.rmtree(out, ignore_errors=True)
    command = [options.binary, "read", *(page.file for page in pages), "--format", "txt,json", "--quiet", "-o",
               out + "/", "--model", options.model, "--restart"]
    if options.weights:
        command += ["--weights", options.weights]
    start = time.monotonic()
    status = subprocess.run(command, stdin=subprocess.DEVNULL).returncode
    seconds = time.monotonic() - start
    if status not in (0, 1):
        sys.exit(f"accuracy: lectern ended with {status}")
    readings = []
    for page in pages:
        reading = Reading()
        readings.append(reading)
        try:
            with open(os.path.join(out, page.name + ".txt"), encoding="utf-8") as file:
                reading.text = " ".join(file.read().split())
            with open(os.path.join(out, page.name + ".json"), encoding="utf-8") as file:
                document = json.load(file)
        except FileNotFoundError:
            continue
        reading.read = True
        reading.confidence = document["pages"][0].get("confidence")
        for block in document["pages"][0]["blocks"]:
            for line in block.get("lines", []):
                reading.words += [(w["text"], tuple(w["box"]), w.get("confidence")) for w in line["words"]]
    return readings, seconds / len(pages)


def read_with_tesseract(pages: list[Page]) -> tuple[list[Reading], float]:
    readings, seconds = [], 0.0
    for page in pages:
        start = time.monotonic()
        result = subprocess.run(["tesseract", page.file, "-", "--dpi", str(page.dpi), "-l", "eng", "tsv"],
                                capture_output=True, text=True, check=False)
        seconds += time.monotonic() - start
        reading = Reading(read=result.returncode == 0)
        for row in csv.DictReader(io.StringIO(result.stdout), delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["level"] != "5" or not row["text"].strip():
                continue
            left, top = int(row["left"]), int(row["top"])
            reading.words.append((row["text"], (left, top, left + int(row["width"]), top + int(row["height"])),
                                  float(row["conf"]) / 100))
        reading.text = " ".join(word for word, _, _ in reading.words)
        readings.append(reading)
    return readings, seconds / len(pages)


def print_table(head: list[str], rows: list[list[str]]) -> None:
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def reliability(scores: list[Score]) -> tuple[list[list[str]], float]:
    """Rows of the table, and the expected calibration error."""
    judged = [pair for s in scores for pair in s.judged]
    rows, error = [], 0.0
    for low, high in zip(BINS, BINS[1:]):
        some = [(c, right) for c, right in judged if low <= c < high]
        if not some:
            continue
        mean, share = sum(c for c, _ in some) / len(some), sum(right for _, right in some) / len(some)
        error += abs(mean - share) * len(some) / len(judged)
        rows.append([f"{low:g} to {min(high, 1):g}", str(len(some)), f"{mean:.3f}", f"{share:.3f}"])
    return rows, error


def report(name: str, pages: list[Page], readings: list[Reading], seconds: float, worst: int) -> float:
    scores = [score(page, reading) for page, reading in zip(pages, readings)]
    print(f"## {name}\n\n{len(pages)} pages, {seconds:.2f} s a page, "
          f"{sum(not reading.read for reading in readings)} not read\n")
    head = ["pages", "character error", "word error", "in the right order", "words with a box"]
    rows = [["all", *rates(scores)]]

    def some(test) -> list[Score]:
        return [s for s, page in zip(scores, pages) if test(page)]

    rows += [[f"{kind}, clean", *rates(some(lambda p, k=kind: p.kind == k and p.damage == "clean"))] for kind in KINDS]
    rows += [[f"{kind}, damaged", *rates(some(lambda p, k=kind: p.kind == k and p.damage != "clean"))]
             for kind in KINDS]
    rows += [[damage, *rates(some(lambda p, d=damage: p.damage == d))] for damage in DAMAGES]
    rows += [[f"{dpi} dpi", *rates(some(lambda p, d=dpi: p.dpi == d))] for dpi in RESOLUTIONS]
    rows += [[face, *rates(some(lambda p, f=face: p.face == f))] for face in sorted({p.face for p in pages})]
    print_table(head, rows)
    table_of_bins, error = reliability(scores)
    if table_of_bins:
        print(f"Confidence of words: expected calibration error {error:.4f}")
        off = [abs(reading.confidence - sum(right for _, right in s.judged) / len(s.judged))
               for s, reading in zip(scores, readings) if s.judged and reading.confidence is not None]
        if off:
            print(f"Confidence of pages: off by {sum(off) / len(off):.4f} in the mean, {max(off):.4f} at most")
        print()
        print_table(["confidence", "words", "mean confidence", "share that is right"], table_of_bins)
    order = sorted(range(len(pages)), key=lambda i: -scores[i].wrong_characters / scores[i].characters)
    print("The worst: " + "; ".join(
        f"{pages[i].name} {pages[i].kind}, {pages[i].damage}, {pages[i].dpi} dpi, {pages[i].face} "
        f"{scores[i].wrong_characters / scores[i].characters:.1%}{'' if scores[i].ordered else ', out of order'}"
        for i in order[:worst]) + "\n", flush=True)
    return sum(s.wrong_characters for s in scores) / sum(s.characters for s in scores)


def measure(options: argparse.Namespace, folder: str) -> int:
    pages = draw_pages(folder, options.rounds, options.seed)
    if options.draw_only:
        print(f"{len(pages)} pages in {folder}")
        return 0
    readings, seconds = read_with_lectern(options, pages, folder)
    if not any(reading.read for reading in readings):
        return 2
    rate = report("Lectern", pages, readings, seconds, options.worst)
    if shutil.which("tesseract") and not options.lectern_only:
        others, seconds = read_with_tesseract(pages)
        report("Tesseract", pages, others, seconds, options.worst)
    if rate > options.limit:
        print(f"accuracy: {rate:.2%} is above the limit of {options.limit:.2%}", file=sys.stderr)
        return 1
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="accuracy.sh --pages", description="error on printed pages in unseen fonts")
    parser.add_argument("--model", default="primer", help="folder or name of the model (default: the shipped one)")
    parser.add_argument("--weights", choices=("f32", "bf16", "q8", "q4"), help="how weights are kept (default f32)")
    parser.add_argument("--rounds", type=int, default=1,
                        help=f"pages of each kind and damage, {len(KINDS) * len(DAMAGES)} in all (default %(default)s)")
    parser.add_argument("--limit", type=float, default=0.05, help="highest character error that passes (default 0.05)")
    parser.add_argument("--seed", type=int, default=7, help="seed of the pages (default %(default)s)")
    parser.add_argument("--keep", metavar="DIR", help="keep the pages, their truth and what was read")
    parser.add_argument("--worst", type=int, default=6, help="pages to name (default %(default)s)")
    parser.add_argument("--lectern-only", action="store_true", help="without Tesseract")
    parser.add_argument("--binary", default=os.path.join(ROOT, "build/lectern"), help=argparse.SUPPRESS)
    parser.add_argument("--draw-only", action="store_true", help="draw the pages and stop; needs --keep")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    if options.draw_only and not options.keep:
        parser.error("--draw-only needs --keep")
    if options.keep:
        os.makedirs(options.keep, exist_ok=True)
        return measure(options, options.keep)
    with tempfile.TemporaryDirectory(prefix="lectern-pages-") as folder:
        return measure(options, folder)


if __name__ == "__main__":
    sys.exit(main())
