"""Glyphs of every font at every size, drawn once."""
import multiprocessing
import os

import numpy as np
from PIL import ImageFont

import text

SIZES = (13, 16, 18, 20, 22, 24, 26, 28, 30, 32, 35, 39, 44, 50)
TALL, LOW, FLAT = "bdfhklABDEHKLT", "gpqy", "xzvw"


def _missing(font):
    """How a font draws what it lacks."""
    mask = font.getmask("\U000f1234", "L")
    return mask.size, bytes(mask)


def _rasterise(job):
    """Every glyph of a font at every size -> ink uint8 [pixels], boxes int32 [sizes, glyphs, 5]: first pixel, width,
    height, left and top from the pen on the baseline; advance [sizes, glyphs], known [glyphs].
    Every other size is drawn large and reduced, as scans and resized pictures look."""
    path, odd, sizes = job
    ink, total = [], 0
    n = len(text.GLYPHS)
    boxes, advance = np.zeros((len(sizes), n + 1, 5), np.int32), np.zeros((len(sizes), n + 1), np.float32)
    known = np.ones(n + 1, bool)
    for k, size in enumerate(sizes):
        scale = 3 if (k + odd) % 2 else 1
        font = ImageFont.truetype(path, size * scale, layout_engine=ImageFont.Layout.BASIC)
        nothing = _missing(font) if k == 0 else None
        for i, c in enumerate(text.GLYPHS):
            advance[k, i] = font.getlength(c) / scale
            mask, (left, top) = font.getmask2(c, "L", anchor="ls")
            w, h = mask.size
            if k == 0 and c != " ":
                known[i] = w > 0 and h > 0 and (mask.size, bytes(mask)) != nothing
            if not w or not h:
                continue
            a = np.frombuffer(bytes(mask), np.uint8).reshape(h, w)
            if scale > 1:
                a = np.pad(a, ((top % 3, -(top + h) % 3), (left % 3, -(left + w) % 3)))
                left, top = left // 3, top // 3
                a = (a.reshape(a.shape[0] // 3, 3, a.shape[1] // 3, 3).mean((1, 3)) + 0.5).astype(np.uint8)
                h, w = a.shape
            boxes[k, i] = total, w, h, left, top
            ink.append(a.ravel())
            total += a.size
    return np.concatenate(ink), boxes, advance, known


BARS = [(64, 1), (64, 2), (64, 3), (1, 96), (2, 96), (3, 3)]  # rules and specks: width, height


class Atlas:
    """The glyphs of every font at every size, and bars. Row f*len(SIZES)+k of advance, tall, low and flat is size k
    of font f; glyph row*STRIDE+i its character i; `bars` the number of the first bar."""

    STRIDE = len(text.GLYPHS) + 1

    def __init__(self, files, processes=None):
        with multiprocessing.Pool(processes) as pool:
            inks, boxes, advance, known = zip(
                *pool.imap(_rasterise, [(f, i % 2, SIZES) for i, f in enumerate(files)], chunksize=1)
            )
        first = np.cumsum([0] + [len(x) for x in inks])
        boxes = np.stack(boxes).astype(np.int64)
        boxes[..., 0] += first[:-1, None, None]
        bars = np.array([(first[-1], w, h, 0, 0) for w, h in BARS])
        self.ink = np.concatenate(inks + (np.full(64 * 96, 255, np.uint8),))
        self.boxes = np.concatenate([boxes.reshape(-1, 5), bars])
        self.bars = len(self.boxes) - len(BARS)
        self.advance = np.concatenate(advance)
        self.known = np.stack(known)
        self.faces, self.names = len(files), [os.path.basename(f) for f in files]
        height = lambda chars, sign: np.array(
            [
                np.median([sign(b) for b in of[[text.CODE[c] for c in chars]]])
                for of in boxes.reshape(-1, self.STRIDE, 5)
            ]
        )
        self.tall = height(TALL, lambda b: -b[4])
        self.low = height(LOW, lambda b: b[4] + b[2])
        self.flat = height(FLAT, lambda b: -b[4])
        self.size = np.tile(SIZES, self.faces)
