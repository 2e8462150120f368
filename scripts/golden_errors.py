#!/usr/bin/env python3
"""What bf16, q8 and q4 cost each model of the family: `lectern trace` against the goldens of the reference.

    scripts/golden_errors.py [LECTERN [MODEL...]]     of build/lectern and all three models; takes some minutes

A row a model and format: the largest difference of the image's rows and of the logits over the largest value, and of how
many steps the best token changes. q4 keeps the output head in 8 bits and the router in f32; the rows below it show
what four bits would cost there, by models whose head or router was rounded to the values that q4 has. The goldens'
weights are random, and nearly tie: their errors compare formats, they do not foretell those of a trained model.
"""
import array
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

GOLDENS = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "goldens"
CASES = {"deepseek-ocr": (GOLDENS, ["receipt-tiny", "receipt-small", "receipt-gundam", "page-base"]),
         "deepseek-ocr-2": (GOLDENS / "deepseek-ocr-2", ["receipt-small", "receipt-gundam", "slip-gundam"]),
         "unlimited-ocr": (GOLDENS / "unlimited-ocr", ["receipt-base", "page-receipt-base"])}
BLOCK = 32  # weights with a common scale


def floats_of(raw, kind):
    if kind == "BF16":
        halves = array.array("H", raw)
        return array.array("f", struct.pack(f"<{len(halves)}I", *(half << 16 for half in halves)))
    return array.array({"F32": "f", "I64": "q"}[kind], raw)


def read_tensors(path):
    """-> {name: (values, shape)}"""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header, begin = json.loads(data[8:8 + length]), 8 + length
    header.pop("__metadata__", None)
    return {name: (floats_of(data[begin + entry["data_offsets"][0]:begin + entry["data_offsets"][1]], entry["dtype"]),
                   entry["shape"]) for name, entry in header.items()}


def write_tensors(path, tensors):
    header, blobs, offset = {}, [], 0
    for name, (values, shape) in tensors.items():
        blob = values.tobytes()
        header[name] = {"dtype": "F32" if values.typecode == "f" else "I64", "shape": shape,
                        "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    path.write_bytes(struct.pack("<Q", len(head)) + head + b"".join(blobs))


def half(x):
    return struct.unpack("<e", struct.pack("<e", x))[0]


def rounded_block(block):
    """The values nearest to these that q4 has: of the scales near the one that just fits, the one that loses least."""
    extreme = max(block, key=abs)
    best, least = [0.0] * len(block), float("inf")
    for step in range(13):
        scale = half(extreme / (-8.6 + 0.2 * step))
        if scale == 0:
            continue
        values = [max(-8, min(7, round(x / scale))) * scale for x in block]
        error = sum((x - y) ** 2 for x, y in zip(block, values))
        if error < least:
            best, least = values, error
    return best


def rounded(values, width):
    out = array.array("f")
    for row in range(0, len(values), width):
        for first in range(0, width, BLOCK):
            out.extend(rounded_block(values[row + first:row + min(first + BLOCK, width)]))
    return out


def write_variant(mini, folder, parts):
    """A copy of a model in which tensors whose names end in one of `parts` have the values of q4."""
    folder.mkdir()
    for name in ("config.json", "tokenizer.json"):
        (folder / name).write_bytes((mini / name).read_bytes())
    tensors = {}
    for file in sorted(mini.glob("*.safetensors")):
        tensors.update(read_tensors(file))
    for name, (values, shape) in tensors.items():
        if name.endswith(parts):
            tensors[name] = rounded(values, shape[-1]), shape
    write_tensors(folder / "model.safetensors", tensors)


def error_of(got, expected):
    return max(abs(a - b) for a, b in zip(got, expected)) / max(abs(b) for b in expected)


def trace(lectern, model, weights, folder, case, out):
    images = case.get("images") or [case["image"]]
    words = lambda ids: " ".join(str(i) for i in ids)
    subprocess.run([lectern, "trace", *(str(folder / image) for image in images), "--model", str(model), "--mode",
                    case["mode"], "--weights", weights, "--prompt-ids", words(case["prompt_token_ids"]), "--forced-ids",
                    words(case["forced_token_ids"]), "-o", str(out)], check=True)
    return read_tensors(out)


def report(lectern, name, label, model, weights, folder, cases, scratch):
    rows, logits, changed, steps = [], [], 0, 0
    for case in cases:
        expected = read_tensors(folder / case["expected"])
        got = trace(lectern, model, weights, folder, case, scratch / "trace.safetensors")
        rows.append(error_of(got["image_sequence"][0], expected["image_sequence"][0]))
        count, vocabulary = expected["logits"][1]
        for step in range(count):
            part = slice(step * vocabulary, (step + 1) * vocabulary)
            own, right = got["logits"][0][part], expected["logits"][0][part]
            logits.append(error_of(own, right))
            changed += max(range(vocabulary), key=own.__getitem__) != max(range(vocabulary), key=right.__getitem__)
            steps += 1
    logits.sort()
    print(f"| {name} | {label} | {max(rows):.1e} | {logits[len(logits) // 2]:.1e} | {logits[-1]:.1e} | "
          f"{changed} of {steps} |", flush=True)


def main():
    lectern = sys.argv[1] if len(sys.argv) > 1 else os.path.join("build", "lectern")
    print("| model | weights | image rows | logits, median | logits, worst | best token changes |\n|---|---|---|---|---|---|")
    for name in sys.argv[2:] or CASES:
        folder, wanted = CASES[name]
        listed = json.loads((folder / "cases.json").read_text())
        cases = [case for case in listed if case["expected"].removesuffix(".safetensors") in wanted]
        with tempfile.TemporaryDirectory() as scratch:
            scratch = pathlib.Path(scratch)
            head, router = ("lm_head.weight",), ("mlp.gate.weight",)
            for variant, parts in (("head", head), ("router", router), ("both", head + router)):
                write_variant(folder / "mini", scratch / variant, parts)
            for label, model, weights in (("bf16", folder / "mini", "bf16"), ("q8", folder / "mini", "q8"),
                                          ("q4", folder / "mini", "q4"),
                                          ("q4, head in 4 bits too", scratch / "head", "q4"),
                                          ("q4, router in 4 bits too", scratch / "router", "q4"),
                                          ("q4, both in 4 bits too", scratch / "both", "q4")):
                report(lectern, name, label, model, weights, folder, cases, scratch)


if __name__ == "__main__":
    main()
