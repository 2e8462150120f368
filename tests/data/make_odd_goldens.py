#!/usr/bin/env python3
"""Writes goldens/odd/, goldens/odd-unlimited-ocr/ and goldens/odd-deepseek-ocr-2/ next to this file: checkpoints of
unusual sizes and what the reference computes with them.

Heads of odd sizes, fewer key heads than query heads, five or seven experts, position tables of another size than the
view's, a theta and an epsilon of its own, a window of five tokens; BF16, F16 and F32 in two files, and tensors that are
not aligned to their elements.

    make_odd_goldens.py REFERENCE     the folder of reference.py and make_checkpoint.py; needs torch, numpy, Pillow
"""
import json
import math
import os
import struct
import sys

import numpy as np
from PIL import Image

SAM = dict(width=60, layers=3, heads=3, global_attn=[1], neck=20, down=[28, 72])
CLIP = dict(width=72, layers=2, heads=3, ffn=100)
LM = dict(hidden=80, layers=3, heads=4, kv_heads=2, inter=100, moe_inter=36, experts=5, top_k=2, shared=1, vocab=512)
VIEW = 256
TABLE = 320  # pixels of the view that the position tables are made for
# folder: family, sizes, mode (None: one view of VIEW pixels), pages, steps
CASES = {
    "odd": ("deepseek-ocr", dict(sam=SAM, clip=CLIP, lm=LM), None, 1, 8),
    "odd-unlimited-ocr": ("unlimited-ocr", dict(sam=dict(SAM, width=36, layers=2, global_attn=[]),
                                                clip=dict(CLIP, heads=9, position_ids=False),
                                                lm=dict(LM, kv_heads=1, top_k=5, vocab=300, window=5)), None, 2, 20),
    "odd-deepseek-ocr-2": ("deepseek-ocr-2", dict(
        sam=dict(width=48, layers=3, heads=4, global_attn=[0, 2], neck=20, down=[24, 56]),
        qwen2=dict(width=56, layers=3, heads=7, kv_heads=1, ffn=60),
        lm=dict(hidden=40, layers=2, heads=5, kv_heads=1, inter=50, moe_inter=20, experts=7, top_k=3, shared=3,
                vocab=300)), "small", 1, 6),
}


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


def write_case(make, ref, name, family, sizes, mode, pages, steps):
    out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "goldens", name)
    model = os.path.join(out, "model")
    os.makedirs(model, exist_ok=True)
    rng = np.random.Generator(np.random.PCG64(5))
    entries = []
    for tensor, shape, kind, std in make.tensors(sizes):
        x = rng.standard_normal(math.prod(shape), dtype=np.float32) * np.float32(std)
        as_type = type_of(tensor, kind)
        entries.append((tensor, shape, as_type, encode(x + np.float32(kind == "norm"), as_type, make.to_bf16)))
    total, weight_map = 0, {}
    for i in range(2):
        file = f"model-0000{i + 1}-of-00002.safetensors"
        total += write_file(os.path.join(model, file), entries[i::2])
        weight_map.update({tensor: file for tensor, *_ in entries[i::2]})
    with open(os.path.join(model, "model.safetensors.index.json"), "w") as f:
        json.dump({"metadata": {"total_size": total}, "weight_map": weight_map}, f, indent=1)
    config = make.config(family, sizes)
    config.update(rope_theta=5000.0, rms_norm_eps=1e-5)
    if mode is None:
        config.update(candidate_resolutions=[[VIEW, VIEW]])
    with open(os.path.join(model, "config.json"), "w") as f:
        json.dump(config, f, indent=1)
    with open(os.path.join(model, "tokenizer.json"), "w", encoding="utf-8") as f:
        json.dump(make.byte_level_tokenizer(sizes["lm"]["vocab"]), f, ensure_ascii=False, indent=1)

    pictures = []
    for i in range(pages):
        pixels = rng.integers(0, 256, (9, 14, 3), dtype=np.uint8)
        picture = Image.fromarray(pixels).resize((203, 131), Image.Resampling.BILINEAR)
        pictures.append((f"picture{i + 1}.png" if i else "picture.png", picture))
        picture.save(os.path.join(out, pictures[-1][0]))
    forced = [int(i) for i in rng.integers(3, 259, steps)]
    prompt = [72, sizes["lm"]["vocab"] - 12, 13, 73, 105]  # the second: <image>
    images = [picture for _, picture in pictures]
    stages = ref.run(model, images if pages > 1 else images[0], mode or str(VIEW), prompt, steps, forced=forced)
    del stages["whole_view"]
    ref.write_safetensors(os.path.join(out, "expected.safetensors"),
                          {stage: values.contiguous() for stage, values in stages.items()})
    names = [file for file, _ in pictures]
    with open(os.path.join(out, "case.json"), "w") as f:
        json.dump({**({"images": names} if pages > 1 else {"image": names[0]}), "mode": mode or "native",
                   "prompt_token_ids": prompt, "forced_token_ids": forced, "grid": [1, 1],
                   "expected": "expected.safetensors"}, f, indent=1)
        f.write("\n")


def main():
    sys.path.insert(0, sys.argv[1])
    sys.dont_write_bytecode = True
    import make_checkpoint as make
    import reference as ref

    make.IMAGE_SIZE = TABLE
    for name, case in CASES.items():
        write_case(make, ref, name, *case)


if __name__ == "__main__":
    main()
