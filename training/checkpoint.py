"""The published checkpoint layout: configuration, byte-level tokenizer and bfloat16 weights.

A preset is a dict of sizes: `size` (pixels of a view), `sam`, `clip` and `lm`; see train.py.
"""
import glob
import json
import math
import os

import numpy as np

WINDOW, PATCH = 14, 16
PART = 15_000_000  # bytes of weights in a file, so that each travels where 16 MB are the most
# Of a view of text lines: its rows, from the top of tall letters to the foot of low ones, and what a piece leaves free.
ROW, INK, MARGIN = 64, 27, 12
SPECIAL_LOW = ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>"]
SPECIAL_TOP = ["<image>", "<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>", "<|grounding|>", "<td>", "</td>",
               "<tr>", "</tr>", "<|User|>", "<|Assistant|>"]
BOS, EOS, FIRST_BYTE = 0, 1, len(SPECIAL_LOW)


def special_ids(vocab_size):
    low = {t: i for i, t in enumerate(SPECIAL_LOW)}
    return low | {t: vocab_size - len(SPECIAL_TOP) + i for i, t in enumerate(SPECIAL_TOP)}


def to_bf16(x):
    """float32 array -> uint16 array of bfloat16 bits, rounded to nearest even."""
    u = np.ascontiguousarray(x, dtype=np.float32).view(np.uint32)
    return ((u + 0x7FFF + ((u >> 16) & 1)) >> 16).astype(np.uint16)


def tensors(p):
    """Yield (name, shape) of every weight, under the published names."""
    s, c, m, grid = p["sam"], p["clip"], p["lm"], p["size"] // PATCH
    hidden, head = m["hidden"], s["width"] // s["heads"]

    def linear(prefix, out, inp, bias=True):
        yield prefix + ".weight", (out, inp)
        if bias:
            yield prefix + ".bias", (out,)

    def norm(prefix, n, bias=True):
        yield prefix + ".weight", (n,)
        if bias:
            yield prefix + ".bias", (n,)

    yield "lm_head.weight", (m["vocab"], hidden)
    yield "model.embed_tokens.weight", (m["vocab"], hidden)
    yield "model.image_newline", (hidden,)
    yield "model.view_seperator", (hidden,)
    pre = "model.sam_model."
    yield pre + "patch_embed.proj.weight", (s["width"], 3, PATCH, PATCH)
    yield pre + "patch_embed.proj.bias", (s["width"],)
    yield pre + "pos_embed", (1, grid, grid, s["width"])
    for i in range(s["layers"]):
        b = f"{pre}blocks.{i}."
        distances = 2 * (grid if i in s["global_attn"] else WINDOW) - 1
        yield from norm(b + "norm1", s["width"])
        yield from linear(b + "attn.qkv", 3 * s["width"], s["width"])
        yield b + "attn.rel_pos_h", (distances, head)
        yield b + "attn.rel_pos_w", (distances, head)
        yield from linear(b + "attn.proj", s["width"], s["width"])
        yield from norm(b + "norm2", s["width"])
        yield from linear(b + "mlp.lin1", 4 * s["width"], s["width"])
        yield from linear(b + "mlp.lin2", s["width"], 4 * s["width"])
    yield pre + "neck.0.weight", (s["neck"], s["width"], 1, 1)
    yield from norm(pre + "neck.1", s["neck"])
    yield pre + "neck.2.weight", (s["neck"], s["neck"], 3, 3)
    yield from norm(pre + "neck.3", s["neck"])
    yield pre + "net_2.weight", (s["down"][0], s["neck"], 3, 3)
    yield pre + "net_3.weight", (s["down"][1], s["down"][0], 3, 3)
    pre = "model.vision_model."
    yield pre + "embeddings.class_embedding", (c["width"],)
    yield pre + "embeddings.position_embedding.weight", ((p["size"] // 64) ** 2 + 1, c["width"])
    yield from norm(pre + "pre_layrnorm", c["width"])
    for i in range(c["layers"]):
        b = f"{pre}transformer.layers.{i}."
        yield from norm(b + "layer_norm1", c["width"])
        yield from linear(b + "self_attn.qkv_proj", 3 * c["width"], c["width"])
        yield from linear(b + "self_attn.out_proj", c["width"], c["width"])
        yield from norm(b + "layer_norm2", c["width"])
        yield from linear(b + "mlp.fc1", c["ffn"], c["width"])
        yield from linear(b + "mlp.fc2", c["width"], c["ffn"])
    yield from linear("model.projector.layers", hidden, c["width"] + s["down"][1])
    for i in range(m["layers"]):
        b = f"model.layers.{i}."
        yield from norm(b + "input_layernorm", hidden, bias=False)
        for q in "qkvo":
            yield from linear(b + f"self_attn.{q}_proj", hidden, hidden, bias=False)
        yield from norm(b + "post_attention_layernorm", hidden, bias=False)
        if i == 0:
            groups = [(b + "mlp.", m["inter"])]
        else:
            yield b + "mlp.gate.weight", (m["experts"], hidden)
            groups = [(f"{b}mlp.experts.{e}.", m["moe_inter"]) for e in range(m["experts"])]
            groups.append((b + "mlp.shared_experts.", m["moe_inter"] * m["shared"]))
        for prefix, inter in groups:
            yield from linear(prefix + "gate_proj", inter, hidden, bias=False)
            yield from linear(prefix + "up_proj", inter, hidden, bias=False)
            yield from linear(prefix + "down_proj", hidden, inter, bias=False)
    yield from norm("model.norm", hidden, bias=False)


def config(p):
    s, c, m = p["sam"], p["clip"], p["lm"]
    lm = dict(architectures=["DeepseekV2ForCausalLM"], bos_token_id=BOS, eos_token_id=EOS, first_k_dense_replace=1,
              hidden_size=m["hidden"], intermediate_size=m["inter"], max_position_embeddings=2048,
              moe_intermediate_size=m["moe_inter"], n_routed_experts=m["experts"], n_shared_experts=m["shared"],
              num_attention_heads=m["heads"], num_experts_per_tok=m["top_k"], num_hidden_layers=m["layers"],
              num_key_value_heads=m["heads"], torch_dtype="bfloat16", topk_method="greedy", use_mla=False,
              vocab_size=m["vocab"])
    return {
        "architectures": ["DeepseekOCRForCausalLM"], "model_type": "deepseek_vl_v2", "torch_dtype": "bfloat16",
        "candidate_resolutions": [[p["size"], p["size"]]], "global_view_pos": "head", "tile_tag": "2D",
        "language_config": lm, "bos_token_id": BOS, "eos_token_id": EOS,
        "projector_config": {"input_dim": c["width"] + s["down"][1], "model_type": "mlp_projector",
                             "n_embed": m["hidden"], "projector_type": "linear"},
        "vision_config": {
            "image_size": p["size"], "model_name": "deeplip_b_l", "model_type": "vision",
            "width": {"clip-l-14-224": {"heads": c["heads"], "image_size": 14 * (p["size"] // 64), "layers": c["layers"],
                                        "patch_size": 14, "width": c["width"]},
                      "sam_vit_b": {"downsample_channels": s["down"], "global_attn_indexes": s["global_attn"],
                                    "heads": s["heads"], "layers": s["layers"], "width": s["width"]}}},
        "lectern": {"rows": {"row_height": ROW, "ink_height": INK, "piece_width": p["size"] - MARGIN}},
    }


def byte_level_tokenizer(vocab_size):
    """tokenizer.json: byte-level BPE with no merges, the special tokens at both ends of the vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    char = {b: chr(b) for b in printable}
    for n, b in enumerate(b for b in range(256) if b not in char):
        char[b] = chr(256 + n)
    vocab = {t: i for i, t in enumerate(SPECIAL_LOW)}
    for b in range(256):
        vocab[char[b]] = FIRST_BYTE + b
    added = sorted(special_ids(vocab_size).items(), key=lambda t: t[1])
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [dict(id=i, content=t, single_word=False, lstrip=False, rstrip=False, normalized=False,
                              special=True) for t, i in added],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "vocab": vocab, "merges": []},
    }


def load(folder):
    """-> {published name: float32 array}, of a folder that save() wrote."""
    weights = {}
    for path in sorted(glob.glob(os.path.join(folder, "model-*.safetensors"))):
        with open(path, "rb") as f:
            header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
            data = np.frombuffer(f.read(), np.uint16)
        for name, e in header.items():
            if name != "__metadata__":
                first, last = (offset // 2 for offset in e["data_offsets"])
                weights[name] = (data[first:last].astype(np.uint32) << 16).view(np.float32).reshape(e["shape"])
    return weights


def save_part(path, names, weights):
    header, offset, blobs = {"__metadata__": {"format": "pt"}}, 0, []
    for name, shape in names:
        size = 2 * math.prod(shape)
        header[name] = dict(dtype="BF16", shape=list(shape), data_offsets=[offset, offset + size])
        blobs.append(to_bf16(weights[name]).tobytes())
        offset += size
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as f:
        f.write(len(head).to_bytes(8, "little") + head + b"".join(blobs))


def save(weights, p, folder):
    """weights: {published name: float32 array}; every name of tensors(p) must be there with its shape. Files of at most
    PART bytes of weights, and an index of them where there are several."""
    os.makedirs(folder, exist_ok=True)
    parts, room = [], 0
    for name, shape in tensors(p):
        assert weights[name].shape == tuple(shape), name
        size = 2 * math.prod(shape)
        if size > room:
            parts.append([])
            room = PART
        parts[-1].append((name, shape))
        room -= size
    files = [f"model-{i + 1:05d}-of-{len(parts):06d}.safetensors" for i in range(len(parts))]
    for file, names in zip(files, parts):
        save_part(os.path.join(folder, file + ".part"), names, weights)
    for file in files:
        os.replace(os.path.join(folder, file + ".part"), os.path.join(folder, file))
    if len(parts) > 1:
        places = {name: file for file, names in zip(files, parts) for name, _ in names}
        size = sum(2 * math.prod(shape) for _, shape in tensors(p))
        with open(os.path.join(folder, "model.safetensors.index.json"), "w") as f:
            json.dump({"metadata": {"total_size": size}, "weight_map": places}, f)
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(config(p), f, indent=2)
    with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as f:
        json.dump(byte_level_tokenizer(p["lm"]["vocab"]), f, ensure_ascii=False, indent=1)
