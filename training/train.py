#!/usr/bin/env python3
"""Train a small model of the DeepSeek-OCR architecture on synthetic pages, from scratch or from given weights.

    train.py --pack DIR --preset nano --minutes 120 --out DIR [--resume DIR/state.pt | --init MODEL]

Four losses: the next token; for every 16x16 patch the character in it, read off SAM; for every vision token the
characters of its 64x64 cell, read off the projector; for every character to be written, the cell and the place in it
where it stands, read off the middle of the decoder. The last three teach the encoder to see and the decoder where to
look; their heads are not part of the model and lie beside it (heads.pt). The schedule follows the time used, which a
resumed run goes on counting. DIR of --pack is what pack.py makes.
"""
import argparse
import collections
import glob
import os
import random
import signal
import time

import torch

import checkpoint
import data
import evaluate
import glyphs
import model
import optim
import paint

PRESETS = {
    "nano": dict(
        size=256,
        lines=4,
        chars=136,
        tokens=152,
        sam=dict(width=192, layers=4, heads=3, global_attn=[0, 1, 2, 3], neck=128, down=[192, 192]),
        clip=dict(width=192, layers=2, heads=3, ffn=768),
        lm=dict(hidden=256, layers=4, heads=4, inter=640, moe_inter=128, experts=4, top_k=2, shared=1, vocab=512),
    ),
    "small": dict(  # nano in a larger view, and deeper: it begins with nano's weights (grow.py)
        size=512,
        lines=11,
        chars=420,
        tokens=440,
        sam=dict(width=192, layers=8, heads=3, global_attn=list(range(8)), neck=128, down=[192, 192]),
        clip=dict(width=192, layers=3, heads=3, ffn=768),
        lm=dict(hidden=256, layers=6, heads=4, inter=640, moe_inter=128, experts=4, top_k=2, shared=1, vocab=512),
    ),
}
WEIGHTS = (1.0, 0.5, 0.5, 0.25, 0.01)  # of the losses
AHEAD = 4  # batches that a worker may be ahead
PLAIN = ("embed", "lm_head", "rel_pos", "aux", "gate.weight")  # matrices that AdamW takes


def schedule(t, step):
    """Learning rate against the share of the time used: a short rise, flat, then a straight line to zero."""
    return min(1.0, 0.2 + step / 250) * (1.0 if t < 0.35 else max(0.003, (1 - t) / 0.65))


class Training:
    """The model, its optimisers, and an average of its weights."""

    def __init__(self, a, p, device):
        self.p, self.device, self.w = p, device, model.init(p, device)
        if a.init:
            model.load(self.w, p, a.init)
            heads = os.path.join(a.init, "heads.pt")
            if os.path.exists(heads):
                for k, v in torch.load(heads, map_location=device).items():
                    if v.shape == self.w[k].shape:  # else those of a smaller preset
                        self.w[k].data.copy_(v)
        matrices = [v for k, v in self.w.items() if v.dim() >= 2 and not any(s in k for s in PLAIN)]
        chosen = {id(v) for v in matrices}
        self.all = list(self.w.values())
        self.muon = optim.Muon(matrices, a.lr * 10)
        self.adam = torch.optim.AdamW(
            [v for v in self.all if id(v) not in chosen],
            lr=a.lr,
            betas=(0.9, 0.98),
            weight_decay=0.0,
            fused=device == "cuda",
        )
        self.mean = {k: v.detach().clone() for k, v in self.w.items()}
        self.state = {"step": 0, "views": 0, "seconds": 0.0}
        self.forward = self.plain = lambda *x: model.losses(self.w, p, *x)
        if a.resume:
            ck = torch.load(a.resume, map_location=device)
            for k in self.w:
                self.w[k].data.copy_(ck["w"][k])
                self.mean[k].copy_(ck["mean"][k])
            self.muon.load_state_dict(ck["muon"])
            self.adam.load_state_dict(ck["adam"])
            self.state = ck["state"]

    def rate(self, lr):
        for group in self.muon.param_groups:
            group["lr"] = lr * 10
        self.adam.param_groups[0]["lr"] = lr

    def step(self, images, batch):
        wide = {k: batch[k].long() for k in ("ids", "labels", "cells", "patches", "cell", "slot")}
        with torch.autocast(self.device, dtype=torch.bfloat16):
            parts = self.forward(
                images, batch["row"], *(wide[k] for k in ("ids", "labels", "cells", "patches", "cell", "slot"))
            )
        loss = sum(parts[i] * f for i, f in enumerate(WEIGHTS))
        for v in self.all:
            v.grad = None
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.all, 1.0, foreach=True)
        self.muon.step()
        self.adam.step()
        self.state["step"] += 1
        self.state["views"] += len(images)
        keep = min(0.998, 1 - 10 / (10 + self.state["step"]))
        torch._foreach_lerp_(list(self.mean.values()), [v.data for v in self.all], 1 - keep)
        return parts.detach()

    def compile(self, images, batch):
        """The forward pass as one program; as it was where that fails or gives something else."""

        def give_up(*_):
            raise TimeoutError("it took too long")

        start = time.time()
        signal.signal(signal.SIGALRM, give_up)
        signal.alarm(110)
        try:
            self.forward = torch.compile(self.plain, dynamic=False, fullgraph=True)
            with torch.autocast(self.device, dtype=torch.bfloat16):
                x = [
                    images,
                    batch["row"],
                    *(batch[k].long() for k in ("ids", "labels", "cells", "patches", "cell", "slot")),
                ]
                self.forward(*x).sum().backward()
                with torch.no_grad():
                    worst = (self.forward(*x) - self.plain(*x)).abs().max().item()
            if not worst < 0.05:
                raise RuntimeError(f"losses differ by {worst:.3f}")
            print(f"compiled in {time.time() - start:.0f} s, losses differ by {worst:.4f}", flush=True)
        except Exception as e:
            self.forward = self.plain
            print(f"not compiled ({time.time() - start:.0f} s): {type(e).__name__}: {str(e)[:300]}", flush=True)
        finally:
            signal.alarm(0)

    def save(self, weights, folder):
        if all(torch.isfinite(v).all() for v in weights.values()):
            checkpoint.save(model.unstack(weights, self.p), self.p, folder)
            torch.save(
                {k: v.detach().bfloat16() for k, v in weights.items() if k.startswith("aux.")},
                os.path.join(folder, "heads.pt"),
            )

    def keep(self, folder, state):
        self.save(self.mean, folder)
        torch.save(
            dict(
                w={k: v.data for k, v in self.w.items()},
                mean=self.mean,
                muon=self.muon.state_dict(),
                adam=self.adam.state_dict(),
                state=self.state,
            ),
            state,
        )


def check_paint(atlas, batch, ink, boxes, p):
    """The device must draw what the processor draws."""
    here = {k: v.cpu() if isinstance(v, torch.Tensor) else v for k, v in batch.items()}
    mine = paint.paint(
        torch.from_numpy(atlas.ink), torch.from_numpy(atlas.boxes), here, p["size"], random.Random(1), damage=False
    )
    its = paint.paint(ink, boxes, batch, p["size"], random.Random(1), damage=False).cpu()
    far = ((mine.int() - its.int()).abs() > 8).float().mean().item()
    print(f"of the pixels drawn on the device, {100 * far:.4f} % differ from the processor's", flush=True)
    if far > 1e-3:
        raise RuntimeError("the device draws something else")


def options():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--preset", choices=PRESETS, default="nano")
    ap.add_argument("--minutes", type=float, default=120, help="of training; evaluations are not counted")
    ap.add_argument(
        "--until",
        type=float,
        default=0,
        help="the moment (seconds since 1970) at which training ends in any case, its schedule too",
    )
    ap.add_argument("--out", required=True)
    ap.add_argument("--pack", required=True)
    ap.add_argument("--state", help="where to keep what --resume needs (default: in DIR of --out)")
    ap.add_argument("--lr", type=float, default=1.6e-3, help="AdamW; Muon takes ten times as much")
    ap.add_argument("--batch", type=int, default=32)
    ap.add_argument("--strips", type=float, default=0.5, help="share of batches of single rows, which are cheap")
    ap.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    ap.add_argument("--every", type=float, default=8, help="minutes between evaluations")
    ap.add_argument("--count", type=int, default=24, help="views of each kind to evaluate")
    ap.add_argument("--faces", type=int, default=0, help="fonts to train on; 0: all")
    ap.add_argument("--resume", help="go on with an interrupted run: its state.pt")
    ap.add_argument("--init", help="begin with the weights of a checkpoint folder of the same preset, or of a smaller one")
    ap.add_argument(
        "--again", type=int, default=0, help="how many batches to keep, to draw one again where no new one is ready"
    )
    ap.add_argument("--compile", action="store_true")
    return ap.parse_args()


def main():
    born = time.time()
    a = options()
    p = PRESETS[a.preset]
    clock = lambda: f"[{time.time() - born:5.0f} s]"
    files, held_out = (sorted(glob.glob(f"{a.pack}/{d}/*")) for d in ("fonts", "held_out"))
    files = files[:: max(1, len(files) // a.faces)] if a.faces else files
    atlas = glyphs.Atlas(files + held_out)
    print(f"{clock()} {len(files)} fonts, {atlas.ink.nbytes / 1e6:.0f} MB of glyphs", flush=True)

    # Workers are started before the device is touched.
    fixed = a.compile
    slots = data.Slots(a.workers, AHEAD, a.batch * (p["size"] // 64) ** 2 * 1000)
    source = data.Batches(
        p,
        atlas,
        f"{a.pack}/text",
        random.randrange(1 << 20),
        range(len(files)),
        a.batch,
        fixed,
        0 if fixed else a.strips,
        slots,
    )
    loader = torch.utils.data.DataLoader(
        source,
        batch_size=None,
        num_workers=a.workers,
        prefetch_factor=AHEAD if a.workers else None,
        collate_fn=data.as_is,
        timeout=90 if a.workers else 0,
    )
    batches = iter(loader)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_float32_matmul_precision("high")
    run = Training(a, p, device)
    ink, boxes = torch.from_numpy(atlas.ink).to(device), torch.from_numpy(atlas.boxes).to(device)
    evaluation = evaluate.Evaluation(
        p, atlas, ink, boxes, f"{a.pack}/text", range(len(files), atlas.faces), a.count, device
    )
    rng = random.Random(run.state["step"])
    size = sum(v.numel() for k, v in run.w.items() if not k.startswith("aux"))
    print(f"{clock()} {size / 1e6:.2f} M parameters on {device}", flush=True)

    stock = data.Stock(batches, slots, device, a.again, rng)
    state_file, waited = a.state or os.path.join(a.out, "state.pt"), 0.0

    def take():
        nonlocal waited
        at = time.time()
        batch = stock.take()
        waited += time.time() - at
        return paint.paint(ink, boxes, batch, p["size"], rng), batch

    def report():
        error, _ = evaluation(run.mean, -(-a.count // 4))
        print(f"{clock()} held-out fonts: character error {100 * error:.2f} %", flush=True)

    if not a.until:  # else training has no time to lose
        report()
    if device == "cuda":
        check_paint(atlas, stock.take(), ink, boxes, p)
    if a.compile:
        run.compile(*take())
        print(f"{clock()} ready", flush=True)
    budget = a.minutes * 60
    if a.until:
        budget = min(budget, run.state["seconds"] + a.until - time.time())
    at, events = time.time(), collections.deque()
    shown = at
    evaluated, counted, losses, waited = run.state["seconds"], run.state["views"], [], 0.0
    while (t := run.state["seconds"] / max(1.0, budget)) < 1:
        source.done.fill_(t)
        run.rate(a.lr * schedule(t, run.state["step"]))
        losses.append(run.step(*take()))
        if device == "cuda":  # the clock must not run ahead of the device
            events.append(torch.cuda.Event())
            events[-1].record()
            if len(events) > 3:
                events.popleft().synchronize()
        now = time.time()
        run.state["seconds"] += now - at
        at = now
        if now - shown > 10:
            r, past = torch.stack(losses).mean(0).tolist(), now - shown
            print(
                f"{clock()} step {run.state['step']}  {t:.3f}  token {r[0]:.4f}  patch {r[1]:.3f}  cell {r[2]:.3f}  "
                f"place {r[3]:.3f}  {(run.state['views'] - counted) / past:.0f} views/s, {100 * waited / past:.0f} % "
                f"waiting for data, {100 * stock.again / (stock.again + stock.fresh):.0f} % drawn again, "
                f"{run.state['views']} in all",
                flush=True,
            )
            losses, shown, counted, waited = [], now, run.state["views"], 0.0
        if run.state["seconds"] - evaluated > a.every * 60:
            run.keep(a.out, state_file)
            report()
            evaluated = run.state["seconds"]
            if not a.until:  # else what this took is taken from the time to train
                at = time.time()
    run.keep(a.out, state_file)
    (error, rows), (raw, raw_rows) = evaluation(run.mean), evaluation(run.w)
    print(
        f"{clock()} held-out fonts: character error {100 * error:.2f} % with averaged weights, "
        f"{100 * raw:.2f} % with the last",
        flush=True,
    )
    if raw < error:
        run.mean, rows = {k: v.detach() for k, v in run.w.items()}, raw_rows
    run.keep(a.out, state_file)
    table = evaluate.Evaluation.table(rows)
    print(table)
    with open(os.path.join(a.out, "table.md"), "w", encoding="utf-8") as f:
        f.write(table + "\n")
    print(f"{clock()} done: {run.state['step']} steps, {run.state['views']} views", flush=True)


if __name__ == "__main__":
    main()
