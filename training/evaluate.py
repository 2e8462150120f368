"""Character error of a model in training, on views in fonts that were never trained on."""
import random

import torch

import checkpoint
import data
import model
import paint
import synth
import text


def readable(ids, special):
    names = {v: k.encode() for k, v in special.items()}
    first = checkpoint.FIRST_BYTE
    return b"".join(bytes([i - first]) if first <= i < first + 256 else names.get(i, b"?") for i in ids).decode(
        errors="replace"
    )


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        prev, row[0] = row[0], i + 1
        for j, y in enumerate(b):
            prev, row[j + 1] = row[j + 1], min(row[j + 1] + 1, row[j] + 1, prev + (x != y))
    return row[-1]


class Evaluation:
    """Lines and pictures, clean and damaged, drawn once and read greedily."""

    KINDS = (("lines", False), ("lines", True), ("picture", False), ("picture", True))

    def __init__(self, p, atlas, ink, boxes, texts, faces, count, device):
        self.p, self.special = p, checkpoint.special_ids(p["lm"]["vocab"])
        source = data.Batches(p, atlas, texts, 77, faces, count, False, 0, None)
        rng = random.Random(77)
        writer = synth.Writer(atlas, text.Text(texts, 77), rng, faces, p["size"], self.special)
        self.names, self.parts = [n.rsplit(".", 1)[0] for n in atlas.names], []
        for kind, damage in self.KINDS:
            views = [source.view(writer, p["size"] // 64, kind) for _ in range(count)]
            batch = data.onto(device, data.collate(views, self.special, atlas.boxes, [False] * count))
            images = paint.paint(ink, boxes, batch, p["size"], rng, damage, torch.Generator(device).manual_seed(5))
            self.parts.append(
                (
                    kind,
                    damage,
                    images,
                    [readable(v.target, self.special) for v in views],
                    [(v.face, v.size) for v in views],
                )
            )

    @torch.no_grad()
    def __call__(self, w, count=None):
        """The first `count` views of each kind -> error of all, [(kind, damage, face, size, wrong, characters)]."""
        rows = []
        for kind, damage, images, want, of in self.parts:
            some = images[:count]
            with torch.autocast(some.device.type, dtype=torch.bfloat16):
                got = model.greedy(w, self.p, some, data.prompt_ids(data.FREE, self.special), self.p["tokens"] - 11)
            for ids, truth, (face, size) in zip(got, want, of):
                wrong = min(len(truth), distance(readable(ids, self.special), truth))
                rows.append((kind, damage, self.names[face], size, wrong, len(truth)))
        return sum(r[4] for r in rows) / sum(r[5] for r in rows), rows

    @staticmethod
    def table(rows):
        """Error by kind, font and size, as Markdown."""

        def rate(some):
            some = list(some)
            return (
                f"{100 * sum(r[4] for r in some) / max(1, sum(r[5] for r in some)):.2f} % | {sum(r[5] for r in some)}"
            )

        out = ["| views | character error | characters |", "|---|---|---|"]
        for kind in ("lines", "picture"):
            for damage in (False, True):
                out.append(
                    f"| {kind}, {('clean', 'damaged')[damage]} | {rate(r for r in rows if r[:2] == (kind, damage))} |"
                )
        for kind in ("lines", "picture"):
            for face in sorted({r[2] for r in rows}):
                out.append(f"| {kind}, {face} | {rate(r for r in rows if r[0] == kind and r[2] == face)} |")
            for low, high in ((0, 20), (20, 25), (25, 30), (30, 40), (40, 99)):
                some = [r for r in rows if r[0] == kind and low <= r[3] < high]
                if some:
                    out.append(f"| {kind}, {low} to {high} pixels | {rate(some)} |")
        return "\n".join(out)
