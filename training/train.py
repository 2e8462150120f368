#!/usr/bin/env python3
"""Train a small model of the DeepSeek-OCR architecture on synthetic pages, from scratch.

    train.py --preset nano --minutes 120 --out DIR [--resume DIR/state.pt]

Four losses: the next token; for every 16x16 patch the character in it, read off SAM; for every vision token
the characters of its 64x64 cell, read off the projector; for every character to be written, the cell and the
place in it where it stands, read off the middle of the decoder. The last three teach the encoder to see and
the decoder where to look; their heads are not part of the checkpoint. Strips of one line come first, whole
pages later: the share of each follows the time used, which a resumed run goes on counting.
"""
import argparse
import os
import random
import time

import numpy as np
import torch

import checkpoint
import model
import synth

PRESETS = {
    "nano": dict(size=256, lines=4, chars=96, strip_batch=96, page_batch=32,
                 sam=dict(width=192, layers=4, heads=3, global_attn=[0, 1, 2, 3], neck=128, down=[192, 192]),
                 clip=dict(width=192, layers=2, heads=3, ffn=768),
                 lm=dict(hidden=256, layers=4, heads=4, inter=640, moe_inter=128, experts=4, top_k=2, shared=1, vocab=512)),
    "small": dict(size=512, lines=11, chars=380, strip_batch=256, page_batch=128,
                  sam=dict(width=320, layers=6, heads=5, global_attn=[0, 1, 2, 3, 4, 5], neck=192, down=[320, 384]),
                  clip=dict(width=384, layers=3, heads=6, ffn=1024),
                  lm=dict(hidden=448, layers=4, heads=7, inter=1024, moe_inter=256, experts=8, top_k=2, shared=1, vocab=512)),
}
FREE, GROUNDED = "\nFree OCR.", "\n<|grounding|>Convert the document to markdown."


def token_ids(parts, special):
    """Byte values and names of special tokens -> ids."""
    return [special[t] if isinstance(t, str) else checkpoint.FIRST_BYTE + t for t in parts]


def prompt_ids(text, special):
    head, tag, tail = text.partition("<|grounding|>")
    return token_ids([*head.encode(), *([tag] if tag else []), *tail.encode()], special)


class Batches(torch.utils.data.IterableDataset):
    """Finished batches: strips of one line, or pages; `done` in 0..1 is the share of the training time used."""

    def __init__(self, p, atlas, seed, faces):
        self.p, self.atlas, self.seed, self.faces = p, atlas, seed, faces
        self.done = torch.zeros(1).share_memory_()

    def plan(self, rng):
        """-> height, batch, most lines, grounded"""
        p, t = self.p, float(self.done)
        if rng.random() > (t - 0.22) / 0.16 * 0.9 or rng.random() < 0.1:
            return (64, p["strip_batch"], 1, False) if t < 0.1 or rng.random() < 0.6 else (128, p["strip_batch"] // 2, 2, False)
        return p["size"], p["page_batch"], max(2, min(p["lines"], round(2 + (t - 0.25) / 0.25 * (p["lines"] - 2)))), rng.random() < 0.15 * (t > 0.4)

    def pages(self, rng, n, height, lines, grounded):
        faces = self.faces[::max(1, len(self.faces) // 16)] if float(self.done) < 0.06 else self.faces
        out = []
        while len(out) < n:
            page = synth.page(rng, self.atlas, synth.words(), height, self.p["size"], lines, self.p["chars"] if lines > 1 else 32, grounded, faces)
            if page.target:
                out.append(page)
        return out

    def __iter__(self):
        info = torch.utils.data.get_worker_info()
        rng = random.Random(self.seed * 1000 + (info.id if info else 0))
        torch.set_num_threads(1)
        special = checkpoint.special_ids(self.p["lm"]["vocab"])
        while True:
            height, batch, lines, grounded = self.plan(rng)
            pages = self.pages(rng, batch, height, lines, grounded)
            yield (synth.compose(self.atlas.cells, pages, rng), rng.randint(0, (self.p["size"] - height) // 64),
                   *collate(pages, prompt_ids(GROUNDED if grounded else FREE, special), special))


def collate(pages, prompt, special):
    """-> ids, labels [B,T], cells, patches, place, slot [B,T]; labels -1 where nothing is asked."""
    targets = [token_ids(p.target, special) + [checkpoint.EOS] for p in pages]
    T = -(-(len(prompt) + max(map(len, targets))) // 8) * 8
    ids = np.full((len(pages), T), checkpoint.EOS, np.int64)
    labels, place, slot = (np.full((len(pages), T), -1, np.int64) for _ in range(3))
    for i, (p, t) in enumerate(zip(pages, targets)):
        span = slice(len(prompt), len(prompt) + len(t))
        ids[i, :span.start], ids[i, span], labels[i, span] = prompt, t, t
        known = [(c, s) if s >= 0 else (-1, -1) for c, s in p.place] + [(-1, -1)]
        place[i, span], slot[i, span] = zip(*known)
    cells, patches = np.stack([p.cells for p in pages]).astype(np.int64), np.stack([p.patches for p in pages]).astype(np.int64)
    return tuple(map(torch.from_numpy, (ids, labels, cells, patches, place, slot)))


def readable(ids, special):
    names = {v: k for k, v in special.items()}
    return "".join(chr(i - 3) if 3 <= i < 131 else names.get(i, "?") for i in ids)


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        prev, row[0] = row[0], i + 1
        for j, y in enumerate(b):
            prev, row[j + 1] = row[j + 1], min(row[j + 1] + 1, row[j] + 1, prev + (x != y))
    return row[-1]


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised by five Newton-Schulz steps, for matrices (K. Jordan, 2024)."""

    def __init__(self, params, lr, momentum=0.95):
        super().__init__(params, dict(lr=lr, momentum=momentum))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                buf = self.state[p].setdefault("momentum", torch.zeros_like(p))
                buf.lerp_(p.grad, 1 - group["momentum"])
                u = p.grad.lerp(buf, group["momentum"])
                u = u.flatten(1).unsqueeze(0) if u.dim() != 3 else u
                tall = u.shape[-2] > u.shape[-1]
                x = (u.transpose(-1, -2) if tall else u).to(torch.bfloat16)
                x = x / (x.float().flatten(1).norm(dim=1)[:, None, None] + 1e-7).to(x.dtype)
                for _ in range(5):
                    a = x @ x.transpose(-1, -2)
                    x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
                x = (x.transpose(-1, -2) if tall else x).to(p.dtype)
                p.mul_(1 - group["lr"] * 0.02).add_(x.reshape(p.shape), alpha=-group["lr"] * max(1, u.shape[-2] / u.shape[-1]) ** 0.5)


class Evaluation:
    """Pages in the held-out fonts, read greedily."""

    def __init__(self, p, atlas, faces, count):
        self.p, self.special = p, checkpoint.special_ids(p["lm"]["vocab"])
        rng = random.Random(77)
        source = Batches(p, atlas, 77, faces)
        source.done.fill_(1.0)
        pages = source.pages(rng, count, p["size"], 3, False)
        self.images = synth.compose(atlas.cells, pages, rng, augment=False)
        self.want = [readable(token_ids(x.target, self.special), self.special) for x in pages]

    def __call__(self, w, device):
        with torch.autocast(device, dtype=torch.bfloat16):
            got = model.greedy(w, self.p, self.images.to(device), prompt_ids(FREE, self.special), self.p["chars"] + 8)
        got = [readable(g, self.special) for g in got]
        wrong = sum(min(len(y), distance(x, y)) for x, y in zip(got, self.want))
        print(f"  held-out fonts: character error rate {wrong / sum(map(len, self.want)):.4f}   {self.want[0][:50]!r} -> {got[0][:50]!r}", flush=True)


def schedule(t):
    """Learning rate against the share of the time used: flat, then a straight line to zero."""
    return 1.0 if t < 0.4 else max(0.01, (1 - t) / 0.6)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--preset", choices=PRESETS, default="nano")
    ap.add_argument("--minutes", type=float, default=120)
    ap.add_argument("--out", required=True)
    ap.add_argument("--fonts", default="/usr/share/fonts")
    ap.add_argument("--lr", type=float, default=2e-3, help="AdamW; Muon takes ten times as much")
    ap.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    ap.add_argument("--every", type=float, default=8, help="minutes between evaluations")
    ap.add_argument("--resume", help="go on with an interrupted run: its state.pt")
    ap.add_argument("--init", help="begin with the weights of a checkpoint folder of the same preset")
    ap.add_argument("--skip", type=float, default=0, help="share of the schedule to leave out at the start, with --init")
    a = ap.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    p = PRESETS[a.preset]
    files, held_out = synth.font_files(a.fonts), synth.font_files(a.fonts, held_out=True)
    atlas = synth.Atlas(files + held_out)
    evaluate = Evaluation(p, atlas, range(len(files), atlas.faces), 200 if device == "cuda" else 24)
    w = model.init(p, device)
    if a.init:
        model.load(w, p, a.init)
    matrices = [v for k, v in w.items() if v.dim() >= 2 and not any(s in k for s in ("embed", "lm_head", "rel_pos", "aux", "gate.weight"))]
    others = [v for v in w.values() if not any(v is q for q in matrices)]
    muon, adam = Muon(matrices, a.lr * 10), torch.optim.AdamW(others, lr=a.lr, betas=(0.9, 0.98), weight_decay=0.0)
    state = {"step": 0, "pages": 0, "seconds": a.skip * a.minutes * 60}
    if a.resume:
        ck = torch.load(a.resume, map_location=device)
        for k in w:
            w[k].data.copy_(ck["w"][k])
        muon.load_state_dict(ck["muon"])
        adam.load_state_dict(ck["adam"])
        state = ck["state"]
    source = Batches(p, atlas, 1 + state["step"], range(len(files)))
    source.done.fill_(state["seconds"] / (a.minutes * 60))
    loader = iter(torch.utils.data.DataLoader(source, batch_size=None, num_workers=a.workers, prefetch_factor=3))
    print(f"{sum(v.numel() for k, v in w.items() if not k.startswith('aux')) / 1e6:.2f} M parameters on {device}, {len(files)} fonts", flush=True)

    def keep():
        checkpoint.save(model.unstack(w, p), p, a.out)
        torch.save(dict(w={k: v.data for k, v in w.items()}, muon=muon.state_dict(), adam=adam.state_dict(), state=state), os.path.join(a.out, "state.pt"))

    run, at, evaluated, counted = [], time.time(), state["seconds"], state["pages"]
    shown = time.time()
    while (t := state["seconds"] / (a.minutes * 60)) < 1:
        source.done.fill_(t)
        scale = min(1.0, (state["step"] + 1) / 150) * schedule(t)
        muon.param_groups[0]["lr"], adam.param_groups[0]["lr"] = a.lr * 10 * scale, a.lr * scale
        images, row, *tensors = next(loader)
        with torch.autocast(device, dtype=torch.bfloat16):
            ce, patch, cell, place, balance = model.losses(w, p, images.to(device), row, *(x.to(device) for x in tensors))
        loss = ce + 0.5 * patch + 0.5 * cell + 0.25 * place + 0.01 * balance
        muon.zero_grad(set_to_none=True)
        adam.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(w.values()), 1.0)
        muon.step()
        adam.step()
        now = time.time()
        state["step"], state["pages"], state["seconds"] = state["step"] + 1, state["pages"] + len(images), state["seconds"] + min(10.0, now - at)
        at = now
        run.append([ce.item(), patch.item(), cell.item(), place.item()])
        if state["step"] % 50 == 0:
            r = np.mean(run, 0)
            print(f"step {state['step']}  {t:.3f}  token {r[0]:.3f}  patch {r[1]:.3f}  cell {r[2]:.3f}  place {r[3]:.3f}  "
                  f"{(state['pages'] - counted) / (now - shown):.0f} pages/s, {state['pages']} in all", flush=True)
            run, shown, counted = [], now, state["pages"]
        if state["seconds"] - evaluated > a.every * 60:
            evaluate(w, device)
            keep()
            at = time.time()
            evaluated = state["seconds"]
    evaluate(w, device)
    keep()


if __name__ == "__main__":
    main()
