#!/usr/bin/env python3
"""Draws docs/performance/*.svg and the table of docs/performance.md from bench/results/*.json; needs Python alone."""
import json
import pathlib

root = pathlib.Path(__file__).resolve().parent.parent
results = {path.stem: json.loads(path.read_text()) for path in sorted((root / "bench/results").glob("*.json"))}
colours = ["#2a6f97", "#d1495b", "#3a7d44", "#edae49", "#6a4c93"]


def plot(name, title, x_label, y_label, lines):
    """lines: label -> [(x, y)]"""
    width, height, left, bottom, top, right = 640, 400, 70, 50, 40, 20
    most_x = max(x for points in lines.values() for x, _ in points)
    most_y = max(y for points in lines.values() for _, y in points) * 1.1
    at_x = lambda x: left + (width - left - right) * x / most_x
    at_y = lambda y: height - bottom - (height - bottom - top) * y / most_y
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
             f'font-size="12"><rect width="{width}" height="{height}" fill="white"/>',
             f'<text x="{width / 2}" y="22" text-anchor="middle" font-size="15">{title}</text>',
             f'<text x="{(width + left) / 2}" y="{height - 12}" text-anchor="middle">{x_label}</text>',
             f'<text x="16" y="{height / 2}" text-anchor="middle" transform="rotate(-90 16 {height / 2})">'
             f'{y_label}</text>']
    for step in range(5):
        y, x = most_y * step / 4, most_x * step / 4
        parts.append(f'<line x1="{left}" x2="{width - right}" y1="{at_y(y):.1f}" y2="{at_y(y):.1f}" stroke="#ddd"/>'
                     f'<text x="{left - 6}" y="{at_y(y) + 4:.1f}" text-anchor="end">{y:.3g}</text>'
                     f'<text x="{at_x(x):.1f}" y="{height - bottom + 18}" text-anchor="middle">{x:.4g}</text>')
    for i, (label, points) in enumerate(lines.items()):
        colour = colours[i % len(colours)]
        path = " ".join(f"{at_x(x):.1f},{at_y(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{at_x(x):.1f}" cy="{at_y(y):.1f}" r="3" fill="{colour}"/>' for x, y in points]
        parts.append(f'<text x="{left + 12}" y="{top + 14 + 16 * i}" fill="{colour}">{label}</text>')
    folder = root / "docs/performance"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(parts + ["</svg>\n"]))


def page_seconds(result, tokens):
    """A gundam page: encoded, its prompt of 913 tokens worked off, `tokens` written one by one."""
    return (result["encode"]["gundam_s"] + 913 / result["prefill"]["913_tps"]
            + tokens / result["decode"]["after900_tps"])


plot("page.svg", "Seconds for a page of 2 x 3 tiles, by the length of its text", "tokens written", "seconds",
     {name: [(n, page_seconds(r, n)) for n in (0, 250, 500, 1000, 1500, 2000)] for name, r in results.items()})
plot("batch.svg", "Tokens a second of all pages together", "pages decoded together", "tokens a second",
     {name: [(1, r["decode"]["empty_tps"]), (4, r["decode"]["batch4_tps"]), (16, r["decode"]["batch16_tps"])]
      for name, r in results.items()})

keys = [("encode", "view1024_s"), ("encode", "tile640_s"), ("encode", "gundam_s"), ("prefill", "283_tps"),
        ("prefill", "913_tps"), ("decode", "empty_tps"), ("decode", "after900_tps"), ("decode", "batch4_tps"),
        ("decode", "batch16_tps")]
rows = ["| | " + " | ".join(results) + " |", "|---|" + "---|" * len(results)]
for part, key in keys:
    cells = []
    for result in results.values():
        value, limit = result[part][key], result["limits"][f"{part}.{key}"]
        share = limit / value if key.endswith("_s") else value / limit
        cells.append(f"{value:.3g} ({100 * share:.0f} %)")
    rows.append(f"| {part}.{key} | " + " | ".join(cells) + " |")
for label, value in [("peak.bf16_gops", lambda r: f"{r['peak']['bf16_gops']:.0f}"),
                     ("peak.read_gbps", lambda r: f"{r['peak']['read_gbps']:.0f}"),
                     ("load_s", lambda r: f"{r['load_s']:.2f}")]:
    rows.append(f"| {label} | " + " | ".join(value(r) for r in results.values()) + " |")
page = root / "docs/performance.md"
text = page.read_text()
begin, end = "<!-- table -->\n", "<!-- end of table -->"
start = text.index(begin) + len(begin)
page.write_text(text[:start] + "\n".join(rows) + "\n" + text[text.index(end):])
