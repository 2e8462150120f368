#!/usr/bin/env python3
"""Writes goldens/odd/ next to this file: a checkpoint of unusual sizes and what the reference computes with it.

Heads of 20 and 24, fewer key heads than query heads, five experts, position tables of another size than the view's, a
theta and an epsilon of its own; BF16, F16 and F32 in two files, and tensors that are not aligned to their elements.

    make_odd_golden.py REFERENCE     the folder of reference.py and make_checkpoint.py; needs torch, numpy, Pillow
"""
import json
import math
import os
import struct
import sys

import numpy as np
from PIL import Image

SIZES = dict(
    sam=dict(width=60, layers=3, heads=3, global_attn=[1], neck=20, down=[28, 72]),
    clip=dict(width=72, layers=2, heads=3, ffn=100),
    lm=dict(hidden=80, layers=3, heads=4, kv_heads=2, inter=100, moe_inter=36, experts=5, top_k=2, shared=1, vocab=512))
VIEW = 256
TABLE = 320  # pixels of the view that the position tables are made for
PROMPT = [72, 500, 13, 73, 105]  # 500: <image>
STEPS = 8


def type_of(name, kind):
    if kind == "index":
        return "I64"
    if "sam_model.blocks.0" in name or name.endswith("newline") or (kind == "norm" and "layers.1" in name):
        return "F32"
    if "vision_model" in name or "layers.2" in name:
        return "F16"
    return "BF16"


def encode(x, kind, to_bf16):
    if kind == "I64":
        return np.arange(x.size, dtype=np.int64).tobytes()
    if kind == "BF16":
        return to_bf16(x).tobytes()
    return x.astype({"F16": np.float16, "F32": np.float32}[kind]).tobytes()


def write_file(path, entries):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, shape, kind, blob in entries:
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8 + 1)  # nothing is aligned to more than a byte
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head + b"".join(blob for *_, blob in entries))
    return offset


def main():
    sys.path.insert(0, sys.argv[1])
    sys.dont_write_bytecode = True
    import make_checkpoint as make
    import reference as ref

    make.IMAGE_SIZE = TABLE
    out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "goldens", "odd")
    model = os.path.join(out, "model")
    os.makedirs(model, exist_ok=True)
    rng = np.random.Generator(np.random.PCG64(5))
    entries = []
    for name, shape, kind, std in make.tensors(SIZES):
        x = rng.standard_normal(math.prod(shape), dtype=np.float32) * np.float32(std)
        as_type = type_of(name, kind)
        entries.append((name, shape, as_type, encode(x + np.float32(kind == "norm"), as_type, make.to_bf16)))
    total, weight_map = 0, {}
    for i in range(2):
        file = f"model-0000{i + 1}-of-00002.safetensors"
        total += write_file(os.path.join(model, file), entries[i::2])
        weight_map.update({name: file for name, *_ in entries[i::2]})
    with open(os.path.join(model, "model.safetensors.index.json"), "w") as f:
        json.dump({"metadata": {"total_size": total}, "weight_map": weight_map}, f, indent=1)
    config = make.config(SIZES)
    config.update(candidate_resolutions=[[VIEW, VIEW]], rope_theta=5000.0, rms_norm_eps=1e-5)
    with open(os.path.join(model, "config.json"), "w") as f:
        json.dump(config, f, indent=1)
    with open(os.path.join(model, "tokenizer.json"), "w", encoding="utf-8") as f:
        json.dump(make.byte_level_tokenizer(SIZES["lm"]["vocab"]), f, ensure_ascii=False, indent=1)

    pixels = rng.integers(0, 256, (9, 14, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels).resize((203, 131), Image.Resampling.BILINEAR)
    picture.save(os.path.join(out, "picture.png"))
    forced = [int(i) for i in rng.integers(3, 259, STEPS)]
    stages = ref.run(model, picture, str(VIEW), PROMPT, STEPS, forced=forced)
    del stages["whole_view"]
    ref.write_safetensors(os.path.join(out, "expected.safetensors"), stages)
    with open(os.path.join(out, "case.json"), "w") as f:
        json.dump(dict(image="picture.png", mode="native", prompt_token_ids=PROMPT, forced_token_ids=forced,
                       grid=[1, 1], expected="expected.safetensors"), f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
