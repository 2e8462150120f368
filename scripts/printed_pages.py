"""Pages for scripts/accuracy_pages.py, drawn with Pillow in font families that the shipped model has not seen: the place
of every word is known. Text: the licences that every Debian has, and words, names and numbers.
"""
import glob
import math
import os
import random
import sys
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from accuracy import ROOT, WORDS

FONTS = os.path.join(ROOT, "build/accuracy/fonts")
# Families of packages that training/pack.sh does not name, nor anything derived from those.
SERIF = ("LinLibertine_R", "PTF55F", "lmroman10-regular", "OldStandard-Regular", "STIXGeneral-Regular")
SANS = ("LinBiolinum_R", "PTS55F", "Karla-Regular", "Andika-Regular", "Tuffy")
MONO = ("PTM55F", "Inconsolata", "LeagueMono-Regular")
KINDS = ("one column", "two columns", "table", "letter", "receipt", "form")
DAMAGES = ("clean", "turned", "noise", "faint", "uneven light", "JPEG")
RESOLUTIONS = (150, 200, 300)

Box = tuple[float, float, float, float]


@dataclass
class Page:
    name: str
    kind: str
    damage: str
    dpi: int
    face: str
    file: str = ""
    words: list[tuple[str, Box]] = field(default_factory=list)  # in reading order

    @property
    def text(self) -> str:
        return " ".join(word for word, _ in self.words)


def font_file(name: str) -> str:
    found = sorted(glob.glob(os.path.join(FONTS, "**", name + ".[ot]tf"), recursive=True))
    if not found:
        sys.exit(f"accuracy: the font {name} is not below {FONTS}; run scripts/accuracy.sh --pages")
    return found[0]


class Sheet:
    """A page that is being printed; lengths in points."""

    def __init__(self, page: Page, width: float, height: float, rng: random.Random):
        self.page, self.rng, self.unit = page, rng, page.dpi / 72
        self.size = (round(width * self.unit), round(height * self.unit))
        self.picture = Image.new("L", self.size, 255)
        self.draw = ImageDraw.Draw(self.picture)
        self.fonts: dict[float, ImageFont.FreeTypeFont] = {}

    def font(self, points: float) -> ImageFont.FreeTypeFont:
        if points not in self.fonts:
            self.fonts[points] = ImageFont.truetype(font_file(self.page.face), max(6, round(points * self.unit)))
        return self.fonts[points]

    def width_of(self, text: str, points: float) -> float:
        return self.font(points).getlength(text) / self.unit

    def line(self, x: float, y: float, text: str, points: float) -> None:
        """Its words go to the page's truth."""
        font, at = self.font(points), (round(x * self.unit), round(y * self.unit))
        self.draw.text(at, text, font=font, fill=15)
        begin = 0
        for word in text.split(" "):
            left = at[0] + font.getlength(text[:begin])
            box = font.getbbox(word)
            self.page.words.append((word, (left + box[0], at[1] + box[1], left + box[2], at[1] + box[3])))
            begin += len(word) + 1

    def right(self, x: float, y: float, text: str, points: float) -> None:
        self.line(x - self.width_of(text, points), y, text, points)

    def paragraph(self, x: float, y: float, width: float, text: str, points: float, lead: float, indent: float = 0,
                  bottom: float = math.inf) -> float:
        line, first = "", True
        for word in [*text.split(), None]:
            longer = f"{line} {word}".strip() if word else None
            room = width - (indent if first else 0)
            if longer is not None and self.width_of(longer, points) <= room:
                line = longer
                continue
            if y + lead > bottom:
                return y
            self.line(x + (indent if first else 0), y, line, points)
            y, line, first = y + lead, word or "", False
        return y

    def rule(self, x: float, y: float, right: float) -> None:
        self.draw.line([(x * self.unit, y * self.unit), (right * self.unit, y * self.unit)], fill=60,
                       width=max(1, round(0.6 * self.unit)))


def prose() -> list[str]:
    paragraphs = []
    for name in ("MPL-2.0", "Apache-2.0", "GPL-3", "LGPL-2.1", "Artistic", "GFDL-1.3"):
        try:
            with open(f"/usr/share/common-licenses/{name}", encoding="utf-8", errors="ignore") as file:
                parts = file.read().split("\n\n")
        except OSError:
            continue
        flat = (" ".join(part.split()) for part in parts)
        paragraphs += [p for p in flat if 80 < len(p) < 900 and p.isascii() and "*" not in p and "--" not in p]
    if len(paragraphs) < 20:
        sys.exit("accuracy: /usr/share/common-licenses holds too little text")
    return paragraphs


def amount(rng: random.Random) -> str:
    return f"{rng.randint(1, 999)}.{rng.randint(0, 99):02d}"


def date(rng: random.Random) -> str:
    month = rng.choice("January February March April May June July August September October November December".split())
    return rng.choice((f"{rng.randint(1, 28)} {month} {rng.randint(1990, 2029)}",
                       f"{rng.randint(1990, 2029)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"))


def words(rng: random.Random, count: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(count)).capitalize()


def name_of_person(rng: random.Random) -> str:
    first = "Anna Peter Maria John Julia Thomas Laura Martin Clara Robert".split()
    last = "Carter Miller Young Fisher Walker Cooper Baker Turner Hill Wood".split()
    return f"{rng.choice(first)} {rng.choice(last)}"


def one_column(page: Page, rng: random.Random, text: list[str]) -> Sheet:
    sheet = Sheet(page, 595, 842, rng)
    size, y = rng.choice((10, 11, 12)), 72.0
    sheet.line(72, y, words(rng, 4), size * 1.7)
    y += size * 3.2
    for part in rng.sample(text, 12):
        if y > 640:
            break
        y = sheet.paragraph(72, y, 451, part, size, size * 1.35, bottom=770) + size * 0.9
    return sheet


def two_columns(page: Page, rng: random.Random, text: list[str]) -> Sheet:
    sheet = Sheet(page, 595, 842, rng)
    size, top = rng.choice((9, 10)), 72.0
    sheet.line(90, top, words(rng, 5), size * 2)
    top += size * 3.6
    for column in range(2):
        y, lead = top, size * (1.28 + 0.05 * column)
        for part in rng.sample(text, 14):
            if y > 560:
                break
            y = sheet.paragraph(57 + column * 251, y, 229, part, size, lead, indent=size, bottom=740)
            y += size * (0.9 if column else 0.3)
    return sheet


def table(page: Page, rng: random.Random, text: list[str]) -> Sheet:
    sheet = Sheet(page, 595, 560, rng)
    size, y = 10, 60.0
    sheet.line(60, y, f"Invoice {rng.randint(10000, 99999)}", 17)
    y = sheet.paragraph(60, y + 40, 470, rng.choice(text), size, 13.5, bottom=180) + 22
    ruled, ends = rng.random() < 0.5, (300, 410, 520)
    rows = [("Item", "Quantity", "Price", "Total")]
    rows += [(words(rng, rng.randint(1, 3)), str(rng.randint(1, 400)), amount(rng), amount(rng)) for _ in range(9)]
    for row in rows:
        sheet.line(60, y, row[0], size)
        for end, cell in zip(ends, row[1:]):
            sheet.right(end, y, cell, size)
        if ruled:
            sheet.rule(56, y + 15, 524)
        y += 19
    sheet.paragraph(60, y + 16, 470, "Please pay within 30 days. Thank you for your order.", size, 13.5)
    return sheet


def letter(page: Page, rng: random.Random, text: list[str]) -> Sheet:
    sheet = Sheet(page, 595, 842, rng)
    size = 11
    for i, line in enumerate((name_of_person(rng), f"{rng.randint(1, 99)} {words(rng, 1)} Street",
                              f"{rng.randint(10000, 99999)} {words(rng, 1)}town")):
        sheet.line(390, 60 + i * 15, line, size)
    for i, line in enumerate((name_of_person(rng), f"{words(rng, 1)} Road {rng.randint(1, 99)}",
                              f"{rng.randint(10000, 99999)} {words(rng, 1)}ville")):
        sheet.line(72, 140 + i * 15, line, size)
    sheet.line(390, 215, date(rng), size)
    sheet.line(72, 255, f"Your order of {date(rng)}, number {rng.randint(1000, 99999)}", size)
    sheet.line(72, 290, "Dear Sir or Madam,", size)
    y = 314.0
    for part in rng.sample(text, 8):
        if y > 520:
            break
        y = sheet.paragraph(72, y, 451, part, size, 15, bottom=640) + 10
    sheet.line(72, y + 14, "Yours faithfully,", size)
    sheet.line(72, y + 60, name_of_person(rng), size)
    return sheet


def receipt(page: Page, rng: random.Random, text: list[str]) -> Sheet:
    del text
    count = rng.randint(8, 14)
    sheet = Sheet(page, 227, 190 + count * 13, rng)
    size, y = 8.5, 24.0

    def middle(line: str, points: float) -> None:
        sheet.line((227 - sheet.width_of(line, points)) / 2, y, line, points)

    middle(f"{words(rng, 1).upper()} MARKET", 12)
    y += 20
    middle(f"{rng.randint(1, 99)} {words(rng, 1)} Street", size)
    y += 13
    middle(f"{date(rng)} {rng.randint(8, 20)}:{rng.randint(0, 59):02d}", size)
    y += 22
    for _ in range(count):
        sheet.line(16, y, f"{rng.randint(1, 9)} x {words(rng, rng.randint(1, 2))}", size)
        sheet.right(211, y, amount(rng), size)
        y += 13
    sheet.rule(16, y + 3, 211)
    y += 9
    for what in ("Total", "Cash", "Change"):
        sheet.line(16, y, what, size)
        sheet.right(211, y, amount(rng), size)
        y += 13
    y += 10
    middle("Thank you, come again!", size)
    return sheet


def form(page: Page, rng: random.Random, text: list[str]) -> Sheet:
    sheet = Sheet(page, 595, 700, rng)
    size, y = 10, 60.0
    sheet.line(60, y, f"Application for {words(rng, 2)}", 16)
    y = sheet.paragraph(60, y + 36, 470, rng.choice(text), size, 13.5, bottom=170) + 20
    for label, value in (("Family name", name_of_person(rng).split()[1]), ("Given name", name_of_person(rng).split()[0]),
                         ("Date of birth", date(rng)), ("Street and number", f"{words(rng, 1)} Road {rng.randint(1, 99)}"),
                         ("Town", f"{rng.randint(10000, 99999)} {words(rng, 1)}"),
                         ("Telephone", f"0{rng.randint(100, 999)} {rng.randint(100000, 999999)}"),
                         ("Occupation", words(rng, 2)), ("Number of persons", str(rng.randint(1, 9))),
                         ("Account", f"DE{rng.randint(10, 99)} {rng.randint(1000, 9999)} {rng.randint(1000, 9999)}")):
        sheet.line(60, y, label + ":", size)
        sheet.line(190, y, value, size)
        sheet.rule(186, y + 15, 520)
        y += 27
    sheet.paragraph(60, y + 12, 470, rng.choice(text), size - 1, 12, bottom=640)
    return sheet


def damaged(sheet: Sheet, seed: int) -> Image.Image:
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    picture, how = sheet.picture, sheet.page.damage
    if how == "turned":
        angle = rng.choice((-1, 1)) * rng.uniform(0.5, 2)
        x, y = picture.width / 2, picture.height / 2
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))

        def moved(box: Box) -> Box:
            corners = [((px - x) * c + (py - y) * s + x, -(px - x) * s + (py - y) * c + y)
                       for px in (box[0], box[2]) for py in (box[1], box[3])]
            return (min(p[0] for p in corners), min(p[1] for p in corners), max(p[0] for p in corners),
                    max(p[1] for p in corners))

        sheet.page.words = [(word, moved(box)) for word, box in sheet.page.words]
        return picture.rotate(angle, Image.Resampling.BICUBIC, fillcolor=255)
    values = np.asarray(picture).astype(np.float32)
    if how == "noise":
        values = np.asarray(picture.filter(ImageFilter.GaussianBlur(sheet.page.dpi / 400))).astype(np.float32)
        values = 245 - (255 - values) * 0.9 + noise.normal(0, rng.uniform(8, 18), values.shape)
        specks = noise.random(values.shape) < 0.0004
        values[specks] = noise.integers(0, 120, int(specks.sum()))
    if how == "faint":
        values = rng.uniform(205, 240) - (255 - values) * rng.uniform(0.25, 0.45)
    if how == "uneven light":
        across = np.linspace(rng.uniform(0.5, 0.7), 1, values.shape[1])[None, :]
        down = np.linspace(1, rng.uniform(0.7, 0.85), values.shape[0])[:, None]
        values = values * across * down + noise.normal(0, 3, values.shape)
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def draw_pages(folder: str, rounds: int, seed: int) -> list[Page]:
    text, pages = prose(), []
    makers = dict(zip(KINDS, (one_column, two_columns, table, letter, receipt, form)))
    for turn in range(rounds):
        for k, kind in enumerate(KINDS):
            for d, damage in enumerate(DAMAGES):
                number = (turn * len(KINDS) + k) * len(DAMAGES) + d
                rng = random.Random(f"{seed} {number}")
                faces = MONO + SANS if kind == "receipt" else SERIF + SANS
                page = Page(f"{number:04d}", kind, damage, RESOLUTIONS[(k + d + turn + seed) % 3],
                            faces[(number * 3 + turn + seed) % len(faces)])
                sheet = makers[kind](page, rng, text)
                picture = damaged(sheet, seed * 100003 + number)
                page.file = os.path.join(folder, page.name + (".jpg" if damage == "JPEG" else ".png"))
                picture.save(page.file, dpi=(page.dpi, page.dpi), **({"quality": 30} if damage == "JPEG" else {}))
                with open(os.path.join(folder, page.name + ".truth"), "w", encoding="utf-8") as file:
                    file.write(page.text + "\n")
                pages.append(page)
    return pages
