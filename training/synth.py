"""Synthetic pages: lines of text laid out with glyphs from an atlas, then pasted, coloured and damaged.

Laying a page out costs well under a millisecond, so that rendering never starves the training.
"""
import functools
import glob
import io
import multiprocessing
import os
import random
import re

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont

CHARS = "".join(chr(c) for c in range(32, 127))
GLYPH = 64  # pixels of an atlas cell; the largest font size must fit
PAD = 8     # room left of and above the pen position, for overhangs
SLOTS = 12  # characters named per 64x64 cell
SIZES = (19, 21, 23, 25, 28, 31, 34, 38, 42)
GREY = 127  # what a picture that is not square is padded with
HELD_OUT = ("OpenSans-Semibold.ttf|LiberationSerif-Regular|Lato-Medium.ttf|Caladea-Regular|DejaVuSans-Bold.ttf|"
            "Roboto-Medium.ttf")
FONT_DIRS = ("dejavu", "liberation", "lato", "open-sans", "crosextra", "RobotoTTF", "freefont")


def font_files(root="/usr/share/fonts", held_out=False):
    files = sorted(f for f in glob.glob(f"{root}/**/*.ttf", recursive=True)
                   if os.path.basename(os.path.dirname(f)) in FONT_DIRS)
    files = [f for f in files if not re.search("Hairline|Thin|ExtraLight|Black|Symbol|Math", f)]
    return [f for f in files if bool(re.search(HELD_OUT, f)) == held_out]


def _rasterise(path, sizes):
    """-> cells uint8 [sizes*95, 64, 64], advance [sizes, 95], ascent [sizes], descent [sizes].
    Every other size is drawn large and reduced, as scans and resized pictures look."""
    cells = np.zeros((len(sizes) * len(CHARS), GLYPH, GLYPH), np.uint8)
    advance, ascents, descents = [], [], []
    for k, size in enumerate(sizes):
        scale = 3 if k % 2 else 1
        font = ImageFont.truetype(path, size * scale, layout_engine=ImageFont.Layout.BASIC)
        for i, c in enumerate(CHARS):
            im = Image.new("L", (GLYPH * scale, GLYPH * scale))
            ImageDraw.Draw(im).text((PAD * scale, PAD * scale), c, font=font, fill=255)
            cells[k * len(CHARS) + i] = np.asarray(im.resize((GLYPH, GLYPH)) if scale > 1 else im)
        ascent, descent = font.getmetrics()
        advance.append([font.getlength(c) / scale for c in CHARS])
        ascents.append(ascent // scale)
        descents.append(descent // scale)
    return cells, np.array(advance, np.float32), np.array(ascents), np.array(descents)


class Atlas:
    """The glyphs of every font at every size; cells uint8 [fonts*sizes*95, 64, 64]."""

    def __init__(self, files, sizes=SIZES):
        with multiprocessing.Pool() as pool:
            parts = pool.map(functools.partial(_rasterise, sizes=sizes), files, chunksize=1)
        self.cells, self.advance, self.ascent, self.descent = (np.concatenate(x) for x in zip(*parts))
        self.faces, self.sizes = len(files), sizes


@functools.cache
def words(limit=60000):
    """Plain English words from documents that every Debian carries; numbers and codes are made in token()."""
    text = ""
    for f in sorted(glob.glob("/usr/share/common-licenses/*") + glob.glob("/usr/share/perl/5*/pod/*.pod") +
                    glob.glob("/usr/share/doc/*/README*")):
        try:
            with open(f, encoding="ascii", errors="ignore") as source:
                text += source.read()[:limit] + "\n"
        except OSError:
            pass
    w = [x for x in re.findall(r"[A-Za-z][A-Za-z'-]*[.,;:]?", text) if len(x) < 14]
    return sorted(set(w)) + w[:20000]


def token(rng, vocab):
    r = rng.random()
    if r < 0.70:
        t, q = rng.choice(vocab), rng.random()
        return t.upper() if q < 0.12 else t.capitalize() if q < 0.3 else t
    if r < 0.94:
        return rng.choice((f"{rng.randint(0, 99999)}", f"{rng.random() * 1000:.2f}", f"{rng.randint(1, 12)}/{rng.randint(1, 31)}",
                           f"{rng.randint(0, 100)}%", f"${rng.randint(1, 999)}", f"#{rng.randint(0, 9999)}",
                           f"{rng.randint(1900, 2030)}", f"({rng.randint(1, 99)})",
                           f"{rng.randint(0, 23)}:{rng.randint(0, 59):02d}"))
    return "".join(rng.choice(CHARS[1:]) for _ in range(rng.randint(1, 7)))


def line_of(rng, vocab, advance, room):
    """Words until the width is used -> text."""
    out, used, want = "", 0.0, room * rng.uniform(0.15, 1.0)
    for _ in range(40):
        t = ("" if not out else " ") + token(rng, vocab)
        w = float(advance[[ord(c) - 32 for c in t]].sum())
        if used + w > room:
            break
        out, used = out + t, used + w
        if used > want:
            break
    return out or rng.choice("0123456789")


class Page:
    """glyphs int32 [n,3]: atlas row, x, y; content (left, top, right, bottom): outside it the page is padding.
    target: byte values and names of special tokens; place: for every target the index of its 64x64 cell and
    its slot there, or -1; cells uint8 [rows, columns, SLOTS] and patches uint8 [rows*4, columns*4]: 0 or
    1 + index in CHARS."""

    def __init__(self, height, width):
        self.height, self.width = height, width
        self.glyphs, self.target, self.place = [], [], []
        self.cells = np.zeros((height // 64, width // 64, SLOTS), np.uint8)
        self.used = np.zeros(self.cells.shape[:2], int)
        self.patches = np.zeros((height // 16, width // 16), np.uint8)
        self.content = (0, 0, width, height)

    def write(self, text, places=None):
        self.target += list(text.encode("ascii"))
        self.place += places or [(-1, -1)] * len(text)

    def tag(self, name):
        self.target.append(name)
        self.place.append((-1, -1))


def content_box(rng, height, width):
    """A picture that is not square stands in the middle of the page, padded on two sides."""
    if rng.random() < 0.55:
        return 0, 0, width, height
    if height < width or rng.random() < 0.6:
        h = rng.randint(min(height, 52), height)
        return 0, (height - h) // 2 if height == width else rng.randint(0, height - h), width, 0
    w = rng.randint(110, width)
    return (width - w) // 2, 0, w, height


def page(rng, atlas, vocab, height, width, max_lines, max_chars, grounded, faces):
    p = Page(height, width)
    left, top, w, h = content_box(rng, height, width)
    h = h or rng.randint(min(height, 52), height - top)
    if height == width and w == width and h < height:
        top = (height - h) // 2
    right_edge, bottom_edge = left + w, top + h
    p.content = (left, top, right_edge, bottom_edge)
    blocks, chars = [], 0
    y = top + rng.randint(0, max(1, min(h // 3, h - 50)))
    for b in range(rng.choice((1, 1, 1, 2)) if max_lines > 2 else 1):
        if chars >= max_chars - 12:
            break
        title = b == 0 and max_lines > 2 and rng.random() < 0.2
        for _ in range(4):  # a size whose line still fits
            row = rng.choice(faces) * len(atlas.sizes) + (rng.randrange(len(atlas.sizes) - 3, len(atlas.sizes)) if title
                                                          else rng.randrange(len(atlas.sizes)))
            ascent, descent = int(atlas.ascent[row]), int(atlas.descent[row])
            if y + ascent + descent <= bottom_edge + 2:
                break
        else:
            break
        advance = atlas.advance[row]
        lead = int((ascent + descent) * rng.uniform(0.95, 1.35))
        x0 = left + (rng.randint(3, 26) if rng.random() < 0.75 else rng.randint(3, max(4, w // 3)))
        lines, first, right = [], y, x0
        for _ in range(1 if title else rng.randint(1, max_lines)):
            if y + ascent + descent > bottom_edge + 2 or chars > max_chars - 12:
                break
            text = line_of(rng, vocab, advance, min(right_edge - x0 - 4, (max_chars - chars) * 14))
            x, places = float(x0), []
            for c in text:
                i = ord(c) - 32
                if c != " ":
                    p.glyphs.append((row * len(CHARS) + i, int(round(x)), y))
                    p.patches[min(y + int(ascent * 0.65), height - 1) // 16, min(int(x + advance[i] / 2), width - 1) // 16] = 1 + i
                cy = min(int(y + (ascent + descent) * 0.55), height - 1) // 64
                cx = min(int(x + advance[i] / 2), width - 1) // 64
                slot = p.used[cy, cx]
                places.append((cy * (width // 64) + cx, slot if slot < SLOTS else -1))
                if slot < SLOTS:
                    p.cells[cy, cx, slot] = 1 + i
                    p.used[cy, cx] += 1
                x += float(advance[i])
            lines.append((text, places))
            chars += len(text)
            right, y = max(right, x), y + lead
        if lines:
            box = [min(999, int(v * 999 / width)) for v in (x0, max(0, first), min(width, right), min(height, y - lead + ascent + descent))]
            blocks.append(("title" if title else "text", lines, box))
        y += lead // 3 + rng.randint(0, 16)
    for k, (label, lines, box) in enumerate(blocks):
        if grounded:
            p.tag("<|ref|>"); p.write(label); p.tag("<|/ref|>")
            p.tag("<|det|>"); p.write("[[" + ", ".join(map(str, box)) + "]]"); p.tag("<|/det|>")
            p.write("\n# " if label == "title" else "\n")
        for j, (text, places) in enumerate(lines):
            p.write(text, places)
            p.write("\n" if j + 1 < len(lines) else "\n\n" if k + 1 < len(blocks) else "")
    return p


def _jpeg(rgb, quality):
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def compose(cells, pages, rng, augment=True):
    """pages of one size -> uint8 [n, height, width, 3]. The ink of all glyphs goes onto one canvas by a
    maximum; a slight turn and zoom, blur, colours, noise and JPEG damage follow; then the padding."""
    n, height, width = len(pages), pages[0].height, pages[0].width
    canvas = np.zeros((n, height + 2 * GLYPH, width + 2 * GLYPH), np.uint8)
    for o, p in enumerate(pages):
        for row, x, y in p.glyphs:
            at = canvas[o, y - PAD + GLYPH:y - PAD + 2 * GLYPH, x - PAD + GLYPH:x - PAD + 2 * GLYPH]
            np.maximum(at, cells[row], out=at)
    ink = torch.from_numpy(canvas[:, GLYPH:GLYPH + height, GLYPH:GLYPH + width]).float().unsqueeze(1) / 255
    g = torch.Generator().manual_seed(rng.getrandbits(40))
    r = lambda *s: torch.rand(*s, generator=g)
    if augment:
        moved = torch.nonzero(r(n) < 0.3).flatten()
        if len(moved):
            turn, zoom = (r(len(moved)) - 0.5) * 0.06, 1 + (r(len(moved)) - 0.5) * 0.1
            zero = torch.zeros_like(turn)
            theta = torch.stack([torch.stack([zoom, -turn * height / width, zero], -1), torch.stack([turn * width / height, zoom, zero], -1)], 1)
            ink[moved] = F.grid_sample(ink[moved], F.affine_grid(theta, ink[moved].shape, align_corners=False), align_corners=False)
        blurred = torch.nonzero(r(n) < 0.3).flatten()
        if len(blurred):
            ink[blurred] = torch.lerp(ink[blurred], F.avg_pool2d(ink[blurred], 3, 1, 1), r(len(blurred), 1, 1, 1))
    dark = (r(n, 1, 1, 1) < 0.12).float()
    plain = (r(n, 1, 1, 1) < 0.3).float()  # black on white
    ground = (0.72 + 0.28 * r(n, 1, 1, 1) + 0.06 * (r(n, 3, 1, 1) - 0.5)) * (1 - dark) + 0.28 * r(n, 3, 1, 1) * dark
    pen = 0.4 * r(n, 3, 1, 1) * (1 - dark) + (0.72 + 0.28 * r(n, 3, 1, 1)) * dark
    ground, pen = torch.lerp(ground, 1 - dark, plain), torch.lerp(pen, dark, plain)
    rgb = ground + (pen - ground) * ink
    if augment:
        noisy = torch.nonzero(r(n) < 0.35).flatten()
        if len(noisy):
            rgb[noisy] += torch.randn(len(noisy), 1, height, width, generator=g) * (0.05 * r(len(noisy), 1, 1, 1))
    out = (rgb.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    for o, p in enumerate(pages):
        if augment and rng.random() < 0.2:
            out[o] = _jpeg(out[o], rng.randint(25, 85))
        left, top, right, bottom = p.content
        out[o, :top], out[o, bottom:], out[o, :, :left], out[o, :, right:] = GREY, GREY, GREY, GREY
    return torch.from_numpy(out)
