#!/usr/bin/env python3
"""Makes the files that training needs from unpacked Debian packages: fonts reduced to the trained characters, those
held out apart, and text.

    pack.py ROOT OUT     ROOT: where the packages were unpacked; OUT gets fonts/, held_out/ and text/
"""
import glob
import gzip
import multiprocessing
import os
import random
import re
import sys

from fontTools import subset

import synth
import text

LANGUAGES = {
    "fr": "french",
    "de": "ngerman",
    "es": "spanish",
    "it": "italian",
    "pt_BR": "portuguese",
    "sv": "swedish",
    "da": "danish",
    "nl": None,
}
PROSE, WORDS = 350_000, 5_000  # characters and words of a language


def reduce(job):
    """Writes a font with the trained characters alone; hints and pairs of the old kind stay."""
    source, target = job
    options = subset.Options()
    options.layout_features = []
    options.drop_tables += [
        "GPOS",
        "GSUB",
        "GDEF",
        "DSIG",
        "FFTM",
        "Silf",
        "Feat",
        "Glat",
        "Gloc",
        "Sill",
        "meta",
        "morx",
    ]
    options.name_IDs, options.notdef_outline, options.glyph_names, options.legacy_kern = [1, 2], True, False, False
    font = subset.load_font(source, options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=[ord(c) for c in text.GLYPHS])
    cutter.subset(font)
    subset.save_font(font, target, options)


def plain(page):
    """The running text of a manual page."""
    kept = [l for l in page.splitlines() if not l.startswith((".", "'", " ", "\t")) and len(l) > 30]
    page = " ".join(kept)
    page = re.sub(r"\\f(\(..|\[[^]]*\]|.)|\\[,/|&^]|\\c|\\s[-+]?\d", "", page)
    for mark, char in (
        ("aq", "'"),
        ("dq", '"'),
        ("lq", "“"),
        ("rq", "”"),
        ("oq", "‘"),
        ("cq", "’"),
        ("em", "—"),
        ("en", "–"),
        ("bu", "•"),
        ("co", "©"),
        ("Fo", "«"),
        ("Fc", "»"),
        ("ha", "^"),
        ("ti", "~"),
    ):
        page = page.replace(f"\\({mark}", char).replace(f"\\[{mark}]", char)
    page = page.replace("\\-", "-").replace("\\e", "\\").replace("\\ ", " ").replace("\\~", " ").replace("\\(bu", "•")
    return re.sub(r"\\[(*\[]\S*", "", page)


def read(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as f:
        data = f.read()
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def write_text(root, out):
    rng = random.Random(5)
    trained = set(text.CHARS)
    for name in ["en", *LANGUAGES]:
        folder = "" if name == "en" else name + "/"
        pages = sorted(glob.glob(f"{root}/usr/share/man/{folder}man[1-8]/*"))
        rng.shuffle(pages)
        prose = ""
        for page in pages:
            if os.path.isfile(page) and not os.path.islink(page):
                prose += plain(read(page)[:60_000])[:12_000] + " "
            if len(prose) > PROSE * (3 if name == "en" else 1):
                break
        tokens = [t for t in prose.split() if set(t) <= trained]
        with open(f"{out}/text/{name}.txt", "w", encoding="utf-8") as f:
            f.write(" ".join(tokens) + "\n")
        if LANGUAGES.get(name):
            words = [
                w
                for w in read(f"{root}/usr/share/dict/{LANGUAGES[name]}").split()
                if set(w) <= trained and 1 < len(w) < 15
            ]
            accented = [w for w in words if not w.isascii()]
            some = rng.sample(accented, min(len(accented), WORDS // 2)) + rng.sample(words, WORDS // 2)
            with open(f"{out}/text/words-{name}.txt", "w", encoding="utf-8") as f:
                f.write("\n".join(some) + "\n")


def main():
    root, out = sys.argv[1:]
    for folder in ("fonts", "held_out", "text"):
        os.makedirs(f"{out}/{folder}", exist_ok=True)
    jobs = [
        (f, f"{out}/{'held_out' if held else 'fonts'}/{os.path.basename(f).replace(' ', '_')}")
        for held in (False, True)
        for f in synth.font_files(f"{root}/usr/share/fonts", held)
    ]
    with multiprocessing.Pool() as pool:
        pool.map(reduce, jobs, chunksize=4)
    write_text(root, out)
    print(f"{len(jobs)} fonts, {sum(os.path.getsize(t) for _, t in jobs) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
