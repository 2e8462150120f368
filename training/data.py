"""Batches for training: views laid out by worker processes, to be drawn where the model is trained."""
import collections
import mmap
import queue
import random
import sys
import threading

import numpy as np
import torch

import checkpoint
import synth
import text

FREE, GROUNDED = "\nFree OCR.", "\n<|grounding|>Convert the document to markdown."


def prompt_ids(prompt, special):
    head, tag, tail = prompt.partition("<|grounding|>")
    byte = lambda s: [checkpoint.FIRST_BYTE + b for b in s.encode()]
    return byte(head) + ([special[tag]] if tag else []) + byte(tail)


def collate(views, special, boxes, grounded, length=None):
    """-> arrays of a batch. ids, labels, cell, slot [n,T] (-1 where nothing is asked; T is `length` or what the
    longest needs), cells, patches; glyphs, maps, crop, lines and style for the painter; pixels, the size of its work.
    """
    prompts = [prompt_ids(GROUNDED if g else FREE, special) for g in grounded]
    n, longest = len(views), max(len(q) + len(v.target) + 1 for q, v in zip(prompts, views))
    T = length or -(-longest // 8) * 8
    ids = np.full((n, T), checkpoint.EOS, np.int16)
    labels, cell, slot = (np.full((n, T), -1, np.int16) for _ in range(3))
    for i, (q, v) in enumerate(zip(prompts, views)):
        end = min(T, len(q) + len(v.target))
        span = slice(len(q), end)
        ids[i, : len(q)], ids[i, span] = q, v.target[: end - len(q)]
        labels[i, span], cell[i, span], slot[i, span] = ids[i, span], v.cell[: end - len(q)], v.slot[: end - len(q)]
        if end < T:
            labels[i, end] = checkpoint.EOS
    glyphs = [np.concatenate(v.glyphs) if v.glyphs else np.zeros((0, 5), np.int32) for v in views]
    table = np.concatenate(
        [np.repeat(np.arange(n, dtype=np.int32), [len(g) for g in glyphs])[:, None], np.concatenate(glyphs)], 1
    )
    sizes = boxes[table[:, 1]]
    arrays = dict(
        ids=ids,
        labels=labels,
        cell=cell,
        slot=slot,
        cells=np.stack([v.cells for v in views]),
        patches=np.stack([v.patches for v in views]),
        glyphs=table,
        maps=np.stack([v.map for v in views]),
        crop=np.stack([v.crop for v in views]),
        style=np.stack([v.style for v in views]),
        lines=np.array([v.lines for v in views]),
    )
    return arrays | {"pixels": int((sizes[:, 1] * sizes[:, 2]).sum())}


def onto(device, batch):
    """Arrays -> tensors on the device; numbers stay."""
    return {k: torch.from_numpy(v).to(device) if isinstance(v, np.ndarray) else v for k, v in batch.items()}


class Slots:
    """Memory shared with the worker processes, so that large arrays need no pipe: through one they would queue for its
    lock and for the interpreter of the sender. A worker uses its slots in turn, and there are more of them than
    batches that it may be ahead."""

    def __init__(self, workers, ahead, size):
        self.each, self.size = ahead + 2, size
        self.memory = np.frombuffer(mmap.mmap(-1, max(1, workers) * self.each * size), np.uint8).reshape(-1, size)

    def put(self, slot, batch):
        """-> batch with the place of every array in the slot instead of it."""
        out, at = {"from": slot}, 0
        for k, v in batch.items():
            if isinstance(v, np.ndarray):
                self.memory[slot, at : at + v.nbytes] = np.ascontiguousarray(v).reshape(-1).view(np.uint8)
                out[k] = at, v.nbytes, v.dtype.name, v.shape
                at += -(-v.nbytes // 16) * 16
            else:
                out[k] = v
        return out | {"bytes": at}

    def take(self, device, batch):
        """-> tensors on the device, copied in one piece."""
        whole = torch.from_numpy(self.memory[batch.pop("from"), : batch.pop("bytes")])
        whole = whole.pin_memory().to(device, non_blocking=True) if device == "cuda" else whole.clone()
        return {
            k: whole[v[0] : v[0] + v[1]].view(getattr(torch, v[2])).view(v[3]) if isinstance(v, tuple) else v
            for k, v in batch.items()
        }


def as_is(batch):
    return batch


class Stock:
    """Batches as the workers make them; where none is ready, one of the last `most` again, which will be drawn with
    other damage and a little moved, so that the device never waits. With most = 0 it waits."""

    def __init__(self, batches, slots, device, most, rng):
        self.batches, self.slots, self.device, self.rng = batches, slots, device, rng
        self.ready, self.past, self.fresh, self.again = queue.Queue(4), collections.deque(maxlen=most), 0, 0
        threading.Thread(target=self.fetch, daemon=True).start()

    def fetch(self):
        try:
            for batch in self.batches:
                self.ready.put(self.slots.take(self.device, batch))
        except Exception as e:  # for the one who waits
            self.ready.put(e)

    def take(self):
        enough = self.past.maxlen and len(self.past) >= self.past.maxlen // 8
        try:
            batch = self.ready.get(block=not enough)
        except queue.Empty:
            self.again += 1
            batch = dict(self.rng.choice(self.past))
            batch["maps"] = batch["maps"].clone()
            batch["maps"][..., 2::3] += torch.rand_like(batch["maps"][..., 2::3]) * 3 - 1.5
            return batch
        if isinstance(batch, Exception):
            raise batch
        self.fresh += 1
        self.past.append(batch)
        return batch


class Batches(torch.utils.data.IterableDataset):
    """Finished batches: whole views, and where `strips` a share of single rows, which cost a quarter; `done` in 0..1 is
    the share of the training time used. fixed: all batches have one shape; slots: where they are put."""

    def __init__(self, p, atlas, texts, seed, faces, batch, fixed, strips, slots):
        self.p, self.atlas, self.texts, self.seed, self.faces = p, atlas, texts, seed, faces
        self.batch, self.fixed, self.strips, self.slots = batch, fixed, strips, slots
        self.done = torch.zeros(1).share_memory_()
        self.special = checkpoint.special_ids(p["lm"]["vocab"])

    def view(self, writer, rows, kind):
        """kind: lines, picture or grounded."""
        p = self.p
        if kind == "lines":
            v = writer.lines(rows, p["chars"] * rows // (p["size"] // 64))
        else:
            v = writer.picture(
                rows, p["lines"] if rows > 1 else 1, p["chars"] * 2 // 3 if rows > 1 else 32, kind == "grounded"
            )
        room = p["tokens"] - 1 - (40 if kind == "grounded" else 11)
        return v if len(v.target) <= room else self.view(writer, rows, kind)

    def __iter__(self):
        info = torch.utils.data.get_worker_info()
        rng = random.Random(self.seed * 1000 + (info.id if info else 0))
        torch.set_num_threads(1)
        sys.setswitchinterval(0.001)
        source = text.Text(self.texts, rng.getrandbits(32))
        writer = synth.Writer(self.atlas, source, rng, self.faces, self.p["size"], self.special)
        full = self.p["size"] // 64
        for step in range(1 << 40):
            if step % 64 == 63:
                source.stir(rng.choice(list(source.soups)), 8000)
            rows, n = (
                (1, self.batch * full)
                if self.strips and rng.random() < self.strips * (1.2 - float(self.done))
                else (full, self.batch)
            )
            kinds = [
                ("lines" if q < 0.70 else "picture" if q < 0.95 or rows == 1 else "grounded")
                for q in (rng.random() for _ in range(n))
            ]
            views = [self.view(writer, rows, k) for k in kinds]
            batch = collate(
                views,
                self.special,
                self.atlas.boxes,
                [k == "grounded" for k in kinds],
                self.p["tokens"] if self.fixed else None,
            ) | {"row": rng.randint(0, full - rows)}
            yield self.slots.put((info.id if info else 0) * self.slots.each + step % self.slots.each, batch)
