#!/usr/bin/env python3
"""Writes interpolate_cases.json next to this file: what PyTorch's interpolate makes of generated tables.  The formula
of `value` is repeated in tests/vision/interpolate_test.cpp.  Of every result each `step`-th value is kept.

    make_interpolate_cases.py
"""
import json
import os

import torch
import torch.nn.functional as F

GRIDS = [(5, 9, 2), (9, 5, 2), (2, 7, 1), (7, 2, 3), (1, 4, 2), (4, 1, 2), (16, 10, 1), (10, 16, 1), (12, 13, 1),
         (13, 12, 1), (16, 16, 1), (64, 32, 2), (64, 40, 2), (64, 80, 1), (20, 16, 3), (16, 4, 3)]
LINES = [(127, 63, 2), (127, 79, 2), (127, 159, 1), (27, 27, 1), (27, 9, 2), (9, 27, 2), (1, 5, 2), (5, 1, 2),
         (39, 31, 2), (3, 4, 1), (4, 3, 1)]
MOST = 60  # values kept of one result


def value(i):
    h = i * 2654435761 & 0xffffffff
    return (h >> 8) / 2 ** 23 - 1


def table(*shape):
    count = torch.Size(shape).numel()
    return torch.tensor([value(i) for i in range(count)], dtype=torch.float32).view(shape)


def kept(kind, size, to, channels, result):
    step = max(1, result.numel() // MOST) | 1
    return {"kind": kind, "from": size, "to": to, "channels": channels, "step": step,
            "values": [round(x, 7) for x in result.contiguous().flatten()[::step].tolist()]}


def main():
    cases = []
    for size, to, channels in GRIDS:
        x = table(size, size, channels).permute(2, 0, 1)[None]
        y = F.interpolate(x, size=(to, to), mode="bicubic", antialias=True, align_corners=False)
        cases.append(kept("grid", size, to, channels, y[0].permute(1, 2, 0)))
    for size, to, channels in LINES:
        y = F.interpolate(table(size, channels).t()[None], size=to, mode="linear")
        cases.append(kept("line", size, to, channels, y[0].t()))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "interpolate_cases.json")
    with open(path, "w") as f:
        f.write('{"torch": "%s", "cases": [\n' % torch.__version__ + ",\n".join(map(json.dumps, cases)) + "\n]}\n")


if __name__ == "__main__":
    main()
