"""A larger model to begin with: one of the same widths that was trained, with more layers and larger views.

The layers put between its own add nothing yet: they are copies of the one before with zeros where they write. Positions
are spread over the larger view, and distances that were never seen count as the farthest that was.
"""
import json
import os
import re

import torch
import torch.nn.functional as F

import checkpoint

# What a block writes to the residual stream.
WRITES = re.compile(r"\.(attn\.proj|mlp\.lin2|out_proj|fc2|o_proj|down_proj)\.(weight|bias)$")
STACKS = (("sam", "model.sam_model.blocks."), ("clip", "model.vision_model.transformer.layers."), ("lm", "model.layers."))


def layers_of(folder):
    """-> {sam, clip, lm: layers} of a checkpoint folder."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as f:
        config = json.load(f)
    width = config["vision_config"]["width"]
    return {
        "sam": width["sam_vit_b"]["layers"],
        "clip": width["clip-l-14-224"]["layers"],
        "lm": config["language_config"]["num_hidden_layers"],
    }


def spread(x, rows, columns):
    """[rows, columns, C] of positions -> of a larger grid."""
    x = F.interpolate(x.permute(2, 0, 1)[None], size=(rows, columns), mode="bilinear", align_corners=True)
    return x[0].permute(1, 2, 0)


def spread_patches(x, grid):
    """[1, g, g, C] -> [1, grid, grid, C]; the four rows of patches within a row of cells keep their places."""
    g = x.shape[1]
    phases = [spread(x[0, phase::4], grid // 4, grid) for phase in range(4)]
    return torch.stack(phases, 1).reshape(1, grid, grid, -1) if grid != g else x


def spread_cells(x, cells):
    """[1 + g*g, C], the first of the class token -> [1 + cells*cells, C]."""
    g = round((x.shape[0] - 1) ** 0.5)
    return torch.cat([x[:1], spread(x[1:].view(g, g, -1), cells, cells).flatten(0, 1)])


def farther(x, grid):
    """[2g-1, C] of distances -> [2*grid-1, C]."""
    reach = x.shape[0] // 2
    return x[torch.arange(1 - grid, grid).clamp(-reach, reach) + reach]


def grown(folder, p):
    """-> {published name: tensor} for the preset p, whose widths are those of the model in the folder."""
    old = {k: torch.from_numpy(v) for k, v in checkpoint.load(folder).items()}
    layers = layers_of(folder)
    if any(layers[kind] > p[kind]["layers"] for kind in layers):
        raise ValueError(f"{folder}: has more layers than the preset")
    grid = p["size"] // checkpoint.PATCH
    out = {}
    for name, shape in checkpoint.tensors(p):
        source, adds = name, True
        for kind, prefix in STACKS:
            if name.startswith(prefix):
                number, rest = name[len(prefix):].split(".", 1)
                places = [i * p[kind]["layers"] // layers[kind] for i in range(layers[kind])]
                of = max(i for i, place in enumerate(places) if place <= int(number))
                source, adds = f"{prefix}{of}.{rest}", places[of] == int(number)
        x = old[source]
        if "rel_pos" in name:
            x = farther(x, grid)
        elif name.endswith("pos_embed"):
            x = spread_patches(x, grid)
        elif name.endswith("position_embedding.weight"):
            x = spread_cells(x, grid // 4)
        if tuple(x.shape) != tuple(shape):
            raise ValueError(f"{folder}: {name} is {tuple(x.shape)}, not {tuple(shape)}: a model of other widths")
        out[name] = x if adds or not WRITES.search(name) else torch.zeros_like(x)
    return out
