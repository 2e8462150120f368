"""Synthetic views: where every glyph of a picture or of a stack of text lines stands, and what is to be read there.

A view is drawn on a canvas (paint.py) and then brought to 256 pixels by an affine map: pictures as a whole, lines
each in a strip of its own, as pages are read: cut out, brought to one size and stacked. Laying out costs a fraction
of a millisecond, and every array is ready to be drawn by a graphics card.
"""
import functools
import glob
import math
import os
import re

import numpy as np

import text
from checkpoint import FIRST_BYTE, INK, MARGIN
from glyphs import BARS, SIZES

SLOTS = 12  # characters named per 64x64 cell
STRIP = 96  # rows of the canvas for 64 rows of the view; it is wider by as much
GREY = 127  # what a picture that is not square is padded with
HELD_OUT = (
    "OpenSans-Semibold.ttf|LiberationSerif-Regular|Lato-Medium.ttf|Caladea-Regular|DejaVuSans-Bold.ttf|"
    "Roboto-Medium.ttf"
)
FONT_DIRS = (
    "dejavu liberation lato open-sans crosextra RobotoTTF freefont noto ebgaramond junicode cantarell "
    "courier-prime urw-base35 anonymous-pro firacode croscore gentiumplus charis vollkorn didot artemisia fanwood "
    "sortsmill fonts-prociono mononoki jetbrains-mono inter dosis cabin averia-gwf quicksand adf slab"
).split()
# Weights that hardly anyone reads, capitals in place of small letters, symbols, and the twin of a font held out.
UNUSED = (
    "Hairline|Thin|ExtraLight|Black|Symbol|Math|Emoji|Icon|Initials|Dingbat|Ornament|Lohit|Condensed(Light)|Variable|"
    "VF|NotoColor|Swash|Titling|SmallCaps|D050000L|StandardSymbols|GaramondSC|AllSC|Garamond.*ttf|Tinos-Regular"
)
FAMILY = 14  # faces of a family at most


def font_files(root="/usr/share/fonts", held_out=False):
    files = sorted(
        f
        for f in glob.glob(f"{root}/**/*.[to]tf", recursive=True)
        if os.path.basename(os.path.dirname(f)) in FONT_DIRS
        and (
            os.path.basename(os.path.dirname(f)) != "noto"
            or re.match("Noto(Sans|Serif|SansMono|Mono|SansDisplay|SerifDisplay)-", os.path.basename(f))
        )
    )
    kept = {}
    for f in files:
        if not re.search(UNUSED, os.path.basename(f)):
            kept.setdefault(os.path.dirname(f), []).append(f)
    files = [
        f
        for fs in kept.values()
        for f in (
            fs
            if len(fs) <= FAMILY
            else [fs[i * len(fs) // FAMILY] for i in range(FAMILY)] + [f for f in fs if re.search(HELD_OUT, f)]
        )
    ]
    return sorted(set(f for f in files if bool(re.search(HELD_OUT, f)) == held_out))


class View:
    """glyphs: lists of int arrays (glyph, x, y of the pen, first and last row of the canvas it may ink).
    Of every row of 64 pixels of the view: map (6 numbers: where a pixel of the view lies on the canvas), crop
    (left, top, right, bottom; outside is padding) and style (rows of one number look alike). lines: whether rows are
    lines of text, or a picture. target: token ids; cell, slot: for each the 64x64 cell of its character and the place
    in it, or -1. cells [rows*columns, SLOTS], patches [rows*4, columns*4]: 0 or 1 + index in CHARS."""

    def __init__(self, rows, width, lines, special):
        self.rows, self.width, self.lines, self.special = rows, width, lines, special
        self.columns = width // 64
        self.glyphs, self.target, self.cell, self.slot = [], [], [], []
        self.cells, self.patches = np.zeros((rows * self.columns, SLOTS), np.uint8), np.zeros(
            (rows * 4, self.columns * 4), np.uint8
        )
        self.used = np.zeros(rows * self.columns, np.int64)
        self.map, self.crop = np.zeros((rows, 6), np.float32), np.zeros((rows, 4), np.float32)
        self.style, self.face, self.size = np.zeros(rows, np.float32), 0, 0.0

    def put(self, *ids):
        self.target += ids
        self.cell += [-1] * len(ids)
        self.slot += [-1] * len(ids)

    def tag(self, name):
        self.put(self.special[name])

    def write(self, string):
        self.put(*(FIRST_BYTE + b for b in string.encode()))

    def draw(self, atlas, row, codes, x, y, span, advance):
        """Glyphs of one line from the pen at x -> pens [n]."""
        pens = x + np.concatenate([[0], np.cumsum(advance[:-1])])
        shown = np.flatnonzero((codes != text.SPACE) & (codes != text.BLANK))
        g = np.empty((len(shown), 5), np.int32)
        g[:, 0] = row * atlas.STRIDE + codes[shown].astype(np.int32)
        g[:, 1] = np.round(pens[shown])
        g[:, 2], g[:, 3], g[:, 4] = y, *span
        self.glyphs.append(g)
        return pens

    def bar(self, atlas, kind, x, y, span):
        self.glyphs.append(np.array([(atlas.bars + kind, x, y, *span)], np.int32))

    def read(self, codes, xs, ys):
        """Names the characters drawn around (xs, ys) of the view, in reading order."""
        xs, ys = np.clip(xs, 0, self.width - 1).astype(np.int64), np.clip(ys, 0, self.rows * 64 - 1).astype(np.int64)
        cell = ys // 64 * self.columns + xs // 64
        slot = np.empty(len(codes), np.int64)
        for c in set(cell.tolist()):
            here = np.flatnonzero(cell == c)
            slot[here] = self.used[c] + np.arange(len(here))
            self.used[c] += len(here)
        fits = slot < SLOTS
        self.cells[cell[fits], slot[fits]] = 1 + codes[fits]
        ink = codes != text.SPACE
        self.patches[ys[ink] // 16, xs[ink] // 16] = 1 + codes[ink]
        slot[~fits] = -1
        length = text.UTF8_LENGTH[codes]
        self.target += (FIRST_BYTE + text.UTF8[codes][np.arange(3) < length[:, None]].astype(np.int64)).tolist()
        self.cell += np.repeat(np.where(fits, cell, -1), length).tolist()
        self.slot += np.repeat(slot, length).tolist()


@functools.cache
def ligatures():
    return [(text.CODE[a[0]], text.CODE[a[1]], text.GLYPHS.index(b)) for a, b in text.LIGATURES.items()]


class Writer:
    """Lays out views from an atlas and text."""

    def __init__(self, atlas, source, rng, faces, width, special):
        self.atlas, self.text, self.rng, self.faces, self.width, self.special = (
            atlas,
            source,
            rng,
            faces,
            width,
            special,
        )
        self.centre = width * STRIP // 128  # of the canvas, from the left

    def spacing(self, row):
        """-> advance of every glyph with the tracking of a line, how much pairs are moved together."""
        rng, size = self.rng, float(self.atlas.size[row])
        advance = self.atlas.advance[row].copy()
        q = rng.random()
        track = 0.0 if q < 0.62 else rng.gauss(0, 0.012) if q < 0.93 else rng.uniform(0.04, 0.3)  # the last: widely set
        advance[:-1] += track * size
        q = rng.random()
        wide = 1.0 if q < 0.5 else rng.uniform(0.8, 1.25) if q < 0.8 else rng.uniform(1.2, 2.4)
        advance[text.SPACE] = advance[text.SPACE] * wide + max(0.0, track) * size * rng.uniform(0.3, 1.5)
        if rng.random() < 0.08:  # figures of one width leave room around a 1
            advance[text.CODE["1"]] *= rng.uniform(1.15, 1.6)
        return advance, size * (rng.uniform(0.2, 1.1) if rng.random() < 0.6 else 0.0)

    def shape(self, face, codes, advance, kern):
        """What is drawn for codes: (drawn, advance of each); what a font lacks is written plainly -> codes too."""
        known = self.atlas.known[face]
        if not known[codes].all():
            codes = np.where(known[codes], codes, text.FOLD[codes])
        drawn = codes
        if self.rng.random() < 0.35:
            for a, b, both in ligatures():
                at = np.flatnonzero((codes[:-1] == a) & (codes[1:] == b))
                if len(at) and known[both]:
                    drawn = drawn.copy()
                    drawn[at], drawn[at + 1] = both, text.BLANK
        along = advance[drawn]
        if kern and len(drawn) > 1:
            along[:-1] -= text.KERN[drawn[:-1], drawn[1:]] * kern
        return codes, drawn, along

    def choose(self, ink):
        """A font and a size for lines of so many pixels -> face, row, zoom."""
        rng, atlas = self.rng, self.atlas
        face = self.faces[int(rng.random() * len(self.faces))]
        rows = slice(face * len(SIZES), (face + 1) * len(SIZES))
        heights = atlas.tall[rows] + atlas.low[rows]
        q = rng.random()
        wanted = ink / (1.0 if q < 0.55 else rng.uniform(1.1, 2.0) if q < 0.82 else rng.uniform(0.74, 0.9))
        k = int(np.abs(heights - wanted).argmin())
        return face, face * len(SIZES) + k, min(2.2, max(0.73, ink / float(heights[k])))

    def lines(self, rows, most):
        """Pieces of text lines, one for each row of 64 pixels."""
        rng, v = self.rng, View(rows, self.width, True, self.special)
        q = rng.random()
        ink = rng.gauss(INK, 1.3) if q < 0.72 else rng.uniform(20, 33) if q < 0.9 else rng.uniform(14, 38)
        used = rows if rng.random() < 0.85 else rng.randint(1, rows)
        face, row, zoom = self.choose(ink)
        v.face, v.size = face, ink
        advance, kern = self.spacing(row)
        style = rng.random()
        for r in range(rows):
            v.map[r] = self.map_of(
                1.0, 1.0, 0, 0, (self.width // 2, r * 64 + 32), (self.centre, r * STRIP + STRIP // 2)
            )
            v.crop[r], v.style[r] = (0, 64 * r, 0, 64 * r), style
            if r >= used:
                continue
            if r and rng.random() < 0.16:
                face, row, zoom = self.choose(ink if rng.random() < 0.5 else rng.uniform(18, 34))
                advance, kern = self.spacing(row)
                style = v.style[r] = rng.random()
            self.line(v, r, face, row, zoom, advance, kern, most - len(v.target) - 3 * (used - r))
            if r + 1 < used:
                v.write("\n")
        return v

    @staticmethod
    def map_of(zx, zy, shear, turn, to, origin):
        """A zoom, a slant and a turn take `origin` on the canvas to `to` in the view -> the way back, for the painter:
        x of the canvas is m[0] x + m[1] y + m[2] of the view, y is m[3] x + m[4] y + m[5]."""
        m = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]) @ [
            [zx, -shear * zy],
            [0, zy],
        ]
        back = np.linalg.inv(m)
        return np.array([*back[0], origin[0] - back[0] @ to, *back[1], origin[1] - back[1] @ to], np.float32)

    @staticmethod
    def into(m, x, y):
        """From the canvas into the view."""
        det, x, y = m[0] * m[4] - m[1] * m[3], x - m[2], y - m[5]
        return (m[4] * x - m[1] * y) / det, (m[0] * y - m[3] * x) / det

    @staticmethod
    def onto(m, x, y):
        """From the view onto the canvas."""
        return m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]

    def line(self, v, r, face, row, zoom, advance, kern, most):
        rng, atlas = self.rng, self.atlas
        span = (r * STRIP, r * STRIP + STRIP)
        middle = r * STRIP + STRIP // 2
        zx = zoom * max(0.85, min(1.15, rng.gauss(1, 0.035)))
        shear = rng.uniform(-0.06, 0.22) if rng.random() < 0.12 else 0.0
        q = rng.random()
        turn = rng.gauss(0, 0.004) if q < 0.4 else rng.uniform(-0.022, 0.022) if q < 0.46 else 0.0
        x0 = rng.uniform(2, 10)
        tall, low = float(atlas.tall[row]), float(atlas.low[row])
        if rng.random() < 0.015:  # a piece of something that is no text
            y = middle + rng.randint(-12, 12)
            for i in range(rng.randint(0, 3)):
                v.bar(atlas, rng.randrange(len(BARS)), self.centre - 120 + 64 * i, y, span)
            v.crop[r] = (3, r * 64 + 4, rng.uniform(80, 250), r * 64 + 60)
            return
        fill = rng.uniform(0.82, 1.0) if rng.random() < 0.78 else rng.uniform(0.02, 0.9)
        codes = self.text.piece(
            rng, advance, (self.width - max(MARGIN, x0 + 4)) / zx, max(4, min(self.width // 4, most)), fill
        )
        codes, drawn, along = self.shape(face, codes, advance, kern)
        x = self.centre + (x0 - self.width / 2) / zx
        g = atlas.boxes[row * atlas.STRIDE + drawn]
        inked = g[:, 2] > 0
        top, foot = (
            (float(-g[inked, 4].min()), float((g[inked, 4] + g[inked, 2]).max())) if inked.any() else (tall, low)
        )
        own = rng.random() < 0.25  # the line has no letters but these
        up, down = (
            (top, foot)
            if own
            else (max(tall, top) if rng.random() < 0.9 else tall, max(low, foot) if rng.random() < 0.85 else low)
        )
        y = middle + round((up - down) / 2 + rng.uniform(-4, 4) / zoom)
        pens = v.draw(atlas, row, drawn, x, y, span, along)
        m = v.map[r] = self.map_of(zx, zoom, shear, turn, (self.width // 2, r * 64 + 32), (self.centre, middle))
        cx, cy = self.into(m, pens + along / 2, y - float(atlas.flat[row]) / 2)
        v.read(codes, cx, np.clip(cy, r * 64, r * 64 + 63))
        end = self.width / 2 + (pens[-1] + along[-1] - self.centre) * zx
        v.crop[r] = (
            x0 - rng.uniform(1, 5),
            max(r * 64, r * 64 + 32 + (y - up - middle) * zoom - (rng.uniform(1, 7) if rng.random() < 0.95 else 0)),
            min(self.width, end + rng.uniform(1, 5) + abs(shear) * 10),
            min(
                r * 64 + 64,
                r * 64 + 32 + (y + down - middle) * zoom + (rng.uniform(1, 7) if rng.random() < 0.95 else 0),
            ),
        )
        if rng.random() < 0.35:  # what is left of the neighbouring lines
            pitch = (tall + low) * rng.uniform(1.02, 1.4)
            for away in rng.choice(((-1,), (1,), (-1, 1))):
                other = self.text.piece(rng, advance, self.width * 1.2, self.width // 4, 1.0)
                other, drawn, along = self.shape(face, other, advance, 0)
                v.draw(atlas, row, drawn, x - rng.randint(0, 30), y + round(away * pitch), span, along)
        if rng.random() < 0.04:  # a rule under the line, or beside it
            width = int(pens[-1] + along[-1] - x) + 4
            kind, at = rng.randrange(3), y + rng.randint(2, 2 + int(low))
            for i in range(max(1, width // 64)):
                v.bar(atlas, kind, int(x) - 2 + i * 64, at, span)
        elif rng.random() < 0.03:
            v.bar(atlas, rng.randint(3, 4), int(rng.choice((x - 4, pens[-1] + along[-1] + 3))), r * STRIP, span)

    def picture(self, rows, most_lines, most, grounded=False):
        """A label, a ticket, a sign: some lines anywhere in a picture, which may be padded."""
        rng, atlas, v = self.rng, self.atlas, View(rows, self.width, False, self.special)
        height = rows * 64
        left, top, w, h = self.content(height)
        v.crop[:] = left, top, left + w, top + h
        v.style[:] = rng.random()
        zoom = 1.0 if rng.random() < 0.5 else rng.uniform(0.92, 1.3)
        turn = rng.uniform(-0.03, 0.03) if rng.random() < 0.3 else 0.0
        shear = rng.uniform(-0.05, 0.15) if rng.random() < 0.06 else 0.0
        v.map[:] = m = self.map_of(
            zoom * (rng.uniform(0.93, 1.07) if rng.random() < 0.4 else 1),
            zoom,
            shear,
            turn,
            (self.width // 2, height // 2),
            (self.centre, rows * STRIP // 2),
        )
        (x_low, y_low), (x_high, y_high) = self.onto(m, left, top), self.onto(m, left + w, top + h)
        y, blocks, chars = y_low + rng.uniform(0, max(1, min(h / 3, h - 50))) / zoom, [], 0
        for b in range(rng.choice((1, 1, 1, 2)) if most_lines > 2 else 1):
            if chars >= most - 12:
                break
            title = b == 0 and most_lines > 2 and rng.random() < 0.2
            for _ in range(4):  # a size whose line still fits
                face = self.faces[int(rng.random() * len(self.faces))]
                row = face * len(SIZES) + rng.randrange(len(SIZES) - 4 if title else 2, len(SIZES))
                ascent, descent = round(atlas.tall[row] * 1.18), round(atlas.low[row] * 1.05)
                if y + ascent + descent <= y_high + 2:
                    break
            else:
                break
            v.face, v.size = face, float(atlas.size[row]) * zoom
            advance, kern = self.spacing(row)
            pitch = (ascent + descent) * rng.uniform(1.0, 1.4)
            left_edge = x_low + (rng.uniform(3, 28) if rng.random() < 0.75 else rng.uniform(3, max(4, w / 3)))
            centred, lines, first, right = rng.random() < 0.2, [], y, left_edge
            for _ in range(1 if title else rng.randint(1, most_lines)):
                if y + ascent + descent > y_high + 2 or chars > most - 12:
                    break
                room = x_high - left_edge - 4
                codes = self.text.piece(rng, advance, room, min(self.width // 4, most - chars), rng.uniform(0.15, 1.0))
                codes, drawn, along = self.shape(face, codes, advance, kern)
                x = left_edge + (max(0.0, room - float(along.sum())) / 2 if centred else 0.0)
                lines.append((codes, drawn, along, x, y + ascent))
                chars += len(codes)
                right, y = max(right, x + float(along.sum())), y + pitch
            if lines:
                box = (*self.into(m, left_edge, first), *self.into(m, right, y - pitch + ascent + descent))
                blocks.append(
                    (
                        "title" if title else "text",
                        row,
                        lines,
                        [int(min(999, max(0, 999 * e / (self.width, height)[i % 2]))) for i, e in enumerate(box)],
                    )
                )
            y += pitch / 3 + rng.uniform(0, 16)
        for k, (label, row, lines, box) in enumerate(blocks):
            if grounded:
                v.tag("<|ref|>")
                v.write(label)
                v.tag("<|/ref|>")
                v.tag("<|det|>")
                v.write("[[" + ", ".join(map(str, box)) + "]]")
                v.tag("<|/det|>")
                v.write("\n# " if label == "title" else "\n")
            for j, (codes, drawn, along, x, baseline) in enumerate(lines):
                pens = v.draw(atlas, row, drawn, x, round(baseline), (0, rows * STRIP), along)
                v.read(codes, *self.into(m, pens + along / 2, baseline - float(atlas.flat[row]) / 2))
                v.write("\n" if j + 1 < len(lines) else "\n\n" if k + 1 < len(blocks) else "")
        return v if v.target else self.picture(rows, most_lines, most, grounded)

    def content(self, height):
        """A picture that is not square stands in the middle of the view, padded on two sides -> left, top, w, h."""
        rng = self.rng
        if rng.random() < 0.55:
            return 0, 0, self.width, height
        if height < self.width or rng.random() < 0.6:
            h = rng.randint(min(height, 52), height)
            return 0, (height - h) // 2 if height == self.width else rng.randint(0, height - h), self.width, h
        w = rng.randint(self.width // 2 - 18, self.width)
        return (self.width - w) // 2, 0, w, height
