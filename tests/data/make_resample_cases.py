#!/usr/bin/env python3
"""Writes resample_cases.json next to this file: CRC-32s of what Pillow's bicubic resize and ImageOps.pad make of
generated pictures.  The formulas of `value` are repeated in tests/vision/resample_test.cpp.

Pillow up to 12 always resizes horizontally first; from 13 on it starts vertically when the height shrinks much more
than the width, which changes last bits.  The model has seen pictures of the former, so the passes are asked for one
by one here, and any version of Pillow writes the same file.

    make_resample_cases.py
"""
import json
import os
import zlib

from PIL import Image, ImageOps, __version__

SIZES = [((1, 1), (7, 5)), ((1, 9), (4, 3)), ((9, 1), (3, 4)), ((1, 300), (1, 7)), ((300, 1), (7, 1)), ((2, 2), (1, 1)),
         ((5, 3), (5, 3)), ((17, 13), (17, 40)), ((17, 13), (40, 13)), ((17, 13), (41, 29)), ((61, 47), (16, 16)),
         ((64, 48), (32, 24)), ((64, 48), (63, 49)), ((101, 203), (1, 1)), ((101, 203), (1, 64)), ((101, 203), (640, 1)),
         ((333, 251), (128, 97)), ((500, 700), (457, 640)), ((640, 480), (33, 479)), ((257, 129), (512, 259)),
         ((3, 1000), (640, 90)), ((1000, 3), (90, 64))]
PADS = [((300, 200), 128), ((200, 300), 128), ((301, 203), 127), ((127, 126), 128), ((200, 201), 64), ((3, 7), 64),
        ((64, 64), 64), ((50, 50), 33), ((256, 3), 128), ((5, 240), 120)]


def value(kind, x, y, c):
    if kind == "blocks":  # hard edges, which overshoot
        return 255 if (x // 3 + y // 5 + c) % 2 else 0
    h = (x * 73856093 ^ y * 19349663 ^ c * 83492791) & 0xffffffff
    h = (h ^ h >> 13) * 0x5bd1e995 & 0xffffffff
    return (h ^ h >> 15) & 255


def picture(kind, width, height):
    return Image.frombytes("RGB", (width, height), bytes(
        value(kind, x, y, c) for y in range(height) for x in range(width) for c in range(3)))


plain_resize = Image.Image.resize


def horizontal_first(image, size, resample):
    return plain_resize(plain_resize(image, (size[0], image.height), resample), size, resample)


def main():
    Image.Image.resize = horizontal_first  # for ImageOps.pad too
    cases = []
    for kind in ("noise", "blocks"):
        for size, to in SIZES:
            out = picture(kind, *size).resize(to, Image.Resampling.BICUBIC)
            cases.append({"what": "resize", "kind": kind, "from": size, "to": to, "crc32": zlib.crc32(out.tobytes())})
        for size, side in PADS:
            out = ImageOps.pad(picture(kind, *size), (side, side), color=(127, 127, 127))
            cases.append({"what": "pad", "kind": kind, "from": size, "to": (side, side),
                          "crc32": zlib.crc32(out.tobytes())})
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "resample_cases.json")
    with open(path, "w") as f:
        f.write('{"pillow": "%s", "cases": [\n' % __version__ + ",\n".join(map(json.dumps, cases)) + "\n]}\n")


if __name__ == "__main__":
    main()
