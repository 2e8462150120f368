"""The DeepSeek-OCR architecture in PyTorch, for training; it computes what the engine computes.

Views may be strips: the first `height/64` rows of cells of a page, placed `row` rows down, so that short
pictures cost little while the model is young. Shapes: B batch, H and W patches, g vision tokens, D hidden.
"""
import math

import torch
import torch.nn.functional as F

import checkpoint
import grow
import synth
import text

CLASSES = len(text.CHARS) + 1


def init(p, device):
    """-> {published name: parameter}; the experts of a layer are stacked, `aux.*` serve training alone."""
    g = torch.Generator().manual_seed(1)
    w = {}
    for name, shape in checkpoint.tensors(p):
        if name.endswith(".bias") or "rel_pos" in name:
            t = torch.zeros(shape)
        elif len(shape) == 1 and name.endswith(".weight"):
            t = torch.ones(shape)
        elif "embed" in name and "patch" not in name or name in ("lm_head.weight", "model.image_newline", "model.view_seperator"):
            t = torch.randn(shape, generator=g) * 0.02
        else:
            residual = any(k in name for k in ("o_proj", "down_proj", "lin2", "fc2", "attn.proj", "out_proj"))
            t = torch.randn(shape, generator=g) * (0.5 if residual else 1.0) / math.sqrt(math.prod(shape[1:]))
        w[name] = t.to(device)
    for i in range(1, p["lm"]["layers"]):
        for q in ("gate_proj", "up_proj", "down_proj"):
            w[f"stack.{i}.{q}"] = torch.stack([w.pop(f"model.layers.{i}.mlp.experts.{e}.{q}.weight") for e in range(p["lm"]["experts"])])
    cells = (p["size"] // 64) ** 2
    w["aux.patch"] = torch.randn(CLASSES, p["sam"]["width"], generator=g).to(device) * 0.02
    w["aux.cell"] = torch.randn(synth.SLOTS * CLASSES, p["lm"]["hidden"], generator=g).to(device) * 0.02
    w["aux.place"] = torch.randn(cells + synth.SLOTS, p["lm"]["hidden"], generator=g).to(device) * 0.02
    return {k: torch.nn.Parameter(v) for k, v in w.items()}


def unstack(w, p):
    """-> {published name: float32 array}, without what serves training alone."""
    out = {k: v.detach().float().cpu().numpy() for k, v in w.items() if not k.startswith(("stack.", "aux."))}
    for i in range(1, p["lm"]["layers"]):
        for q in ("gate_proj", "up_proj", "down_proj"):
            for e, t in enumerate(w[f"stack.{i}.{q}"].detach().float().cpu().numpy()):
                out[f"model.layers.{i}.mlp.experts.{e}.{q}.weight"] = t
    return out


def load(w, p, folder):
    """The weights of a checkpoint folder, grown where the preset is larger, into w; what serves training alone stays as
    it is."""
    weights = grow.grown(folder, p)
    for i in range(1, p["lm"]["layers"]):
        for q in ("gate_proj", "up_proj", "down_proj"):
            weights[f"stack.{i}.{q}"] = torch.stack([weights[f"model.layers.{i}.mlp.experts.{e}.{q}.weight"] for e in range(p["lm"]["experts"])])
    for k, v in w.items():
        if not k.startswith("aux."):
            v.data.copy_(weights[k])


def relative(table, n):
    """[L, hd] -> [n, n, hd]: row i, column j holds the embedding of the distance i - j."""
    i = torch.arange(n, device=table.device)
    return table[i[:, None] - i[None, :] + table.shape[0] // 2]


def sam_attention(x, w, b, heads):
    """x [B,H,W,C]; global attention with decomposed relative positions, q unscaled in the bias. The bias of a query is
    its product with the embeddings of its distances to all rows and columns; those products, put beside q, meet the row
    and the column of a key put beside k, so that plain fused attention computes it."""
    B, H, W, C = x.shape
    hd = C // heads
    q, k, v = F.linear(x, w[b + "qkv.weight"], w[b + "qkv.bias"]).view(B, H * W, 3, heads, hd).permute(2, 0, 3, 1, 4)
    qg = q.reshape(B, heads, H, W, hd)
    rh, rw = relative(w[b + "rel_pos_h"], H).to(q.dtype), relative(w[b + "rel_pos_w"], W).to(q.dtype)
    rows, columns = torch.einsum("bnhwc,hkc->bnhwk", qg, rh), torch.einsum("bnhwc,wlc->bnhwl", qg, rw)
    q = torch.cat([q * hd ** -0.5, rows.flatten(2, 3).to(q.dtype), columns.flatten(2, 3).to(q.dtype)], -1)
    at = torch.cat([torch.eye(H, device=x.device, dtype=q.dtype).repeat_interleave(W, 0),
                    torch.eye(W, device=x.device, dtype=q.dtype).repeat(H, 1)], -1)
    k = torch.cat([k, at.expand(B, heads, -1, -1)], -1)
    a = F.scaled_dot_product_attention(q, k, F.pad(v, (0, H + W)), scale=1.0)[..., :hd]
    return F.linear(a.transpose(1, 2).reshape(B, H, W, C), w[b + "proj.weight"], w[b + "proj.bias"])


def vision(w, p, images, row):
    """uint8 [B,h,w,3] -> image sequence [B,g+newlines+1,D], patch logits, cell logits."""
    s, c, pre = p["sam"], p["clip"], "model.sam_model."
    assert len(s["global_attn"]) == s["layers"], "window attention is not trained here"
    norm = lambda x, n, eps=1e-6: F.layer_norm(x, x.shape[-1:], w[n + ".weight"], w[n + ".bias"], eps)
    px = images.permute(0, 3, 1, 2).float() / 127.5 - 1
    x = F.conv2d(px, w[pre + "patch_embed.proj.weight"], w[pre + "patch_embed.proj.bias"], stride=16).permute(0, 2, 3, 1)
    H, W = x.shape[1:3]
    x = x + w[pre + "pos_embed"][:, 4 * row:4 * row + H, :W]
    for i in range(s["layers"]):
        b = f"{pre}blocks.{i}."
        x = x + sam_attention(norm(x, b + "norm1"), w, b + "attn.", s["heads"])
        y = F.gelu(F.linear(norm(x, b + "norm2"), w[b + "mlp.lin1.weight"], w[b + "mlp.lin1.bias"]))
        x = x + F.linear(y, w[b + "mlp.lin2.weight"], w[b + "mlp.lin2.bias"])
    patch = F.linear(x, w["aux.patch"])
    norm2d = lambda x, n: norm(x.permute(0, 2, 3, 1), n).permute(0, 3, 1, 2)
    y = norm2d(F.conv2d(x.permute(0, 3, 1, 2), w[pre + "neck.0.weight"]), pre + "neck.1")
    y = norm2d(F.conv2d(y, w[pre + "neck.2.weight"], padding=1), pre + "neck.3")
    y = F.conv2d(y, w[pre + "net_2.weight"], stride=2, padding=1)
    f = F.conv2d(y, w[pre + "net_3.weight"], stride=2, padding=1).permute(0, 2, 3, 1)
    B, rows, cols = f.shape[:3]
    pre = "model.vision_model."
    pos = w[pre + "embeddings.position_embedding.weight"]
    grid = pos[1:].view(-1, p["size"] // 64, pos.shape[1])[row:row + rows, :cols].reshape(rows * cols, -1)
    x = torch.cat([w[pre + "embeddings.class_embedding"].to(f.dtype).expand(B, 1, -1), f.flatten(1, 2)], 1)
    x = norm(x + torch.cat([pos[:1], grid]), pre + "pre_layrnorm", 1e-5)
    for i in range(c["layers"]):
        b = f"{pre}transformer.layers.{i}."
        y = F.linear(norm(x, b + "layer_norm1", 1e-5), w[b + "self_attn.qkv_proj.weight"], w[b + "self_attn.qkv_proj.bias"])
        q, k, v = y.view(B, -1, 3, c["heads"], c["width"] // c["heads"]).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        x = x + F.linear(a, w[b + "self_attn.out_proj.weight"], w[b + "self_attn.out_proj.bias"])
        y = F.linear(norm(x, b + "layer_norm2", 1e-5), w[b + "mlp.fc1.weight"], w[b + "mlp.fc1.bias"])
        x = x + F.linear(y * torch.sigmoid(1.702 * y), w[b + "mlp.fc2.weight"], w[b + "mlp.fc2.bias"])
    x = F.linear(torch.cat([x[:, 1:], f.flatten(1, 2).to(x.dtype)], -1), w["model.projector.layers.weight"], w["model.projector.layers.bias"])
    cell = F.linear(x, w["aux.cell"]).view(B, rows, cols, synth.SLOTS, CLASSES)
    x = torch.cat([x.view(B, rows, cols, -1), w["model.image_newline"].to(x.dtype).expand(B, rows, 1, -1)], 2).flatten(1, 2)
    return torch.cat([x, w["model.view_seperator"].to(x.dtype).expand(B, 1, -1)], 1), patch, cell


def mlp(x, gate, up, down):
    return F.linear(F.silu(F.linear(x, gate)) * F.linear(x, up), down)


def experts(w, i, x, m, balance):
    """Every expert computed for every token and weighted by the router: few and small, so this is the fast way here."""
    b = f"model.layers.{i}.mlp."
    scores = torch.softmax(F.linear(x, w[b + "gate.weight"]).float(), -1)
    top, idx = scores.topk(m["top_k"], -1)
    gate = torch.zeros_like(scores).scatter(-1, idx, top)
    balance.append(m["experts"] * ((gate > 0).float().flatten(0, -2).mean(0) / m["top_k"] * scores.flatten(0, -2).mean(0)).sum())
    h = F.silu(F.linear(x, w[f"stack.{i}.gate_proj"].flatten(0, 1))) * F.linear(x, w[f"stack.{i}.up_proj"].flatten(0, 1))
    h = h.view(*x.shape[:2], m["experts"], -1) * gate.to(h.dtype).unsqueeze(-1)
    shared = mlp(x, *(w[f"{b}shared_experts.{q}_proj.weight"] for q in ("gate", "up", "down")))
    return F.linear(h.flatten(2), w[f"stack.{i}.down_proj"].permute(1, 0, 2).flatten(1)) + shared


def language(w, m, x, balance):
    """x [B,T,D] -> normed hidden states [B,T,D], and those after the layer from which places are read."""
    B, T, D = x.shape
    hd = D // m["heads"]
    a = torch.arange(T, device=x.device)[:, None].float() * 10000.0 ** (-torch.arange(0, hd, 2, dtype=torch.float32, device=x.device) / hd)
    cos, sin = torch.cat([a.cos(), a.cos()], -1).to(x.dtype), torch.cat([a.sin(), a.sin()], -1).to(x.dtype)
    norm = lambda x, n: (x.float() * torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + 1e-6) * w[n + ".weight"]).to(x.dtype)
    rot = lambda t: t * cos + torch.cat([-t[..., hd // 2:], t[..., :hd // 2]], -1) * sin
    middle = x
    for i in range(m["layers"]):
        b = f"model.layers.{i}."
        y = norm(x, b + "input_layernorm")
        q, k, v = (F.linear(y, w[b + f"self_attn.{n}_proj.weight"]).view(B, T, -1, hd).transpose(1, 2) for n in "qkv")
        a = F.scaled_dot_product_attention(rot(q), rot(k), v, is_causal=True)
        x = x + F.linear(a.transpose(1, 2).reshape(B, T, D), w[b + "self_attn.o_proj.weight"])
        y = norm(x, b + "post_attention_layernorm")
        x = x + (mlp(y, *(w[f"{b}mlp.{q}_proj.weight"] for q in ("gate", "up", "down"))) if i == 0 else experts(w, i, y, m, balance))
        if i == m["layers"] // 2:
            middle = x
    return norm(x, "model.norm"), middle


def prefix(w, vis, ids):
    """begin of sentence, image sequence, text -> embeddings [B,1+g+T,D]."""
    table = w["model.embed_tokens.weight"]
    return torch.cat([table[checkpoint.BOS].to(vis.dtype).expand(len(vis), 1, -1), vis, F.embedding(ids, table).to(vis.dtype)], 1)


def losses(w, p, images, row, ids, labels, cells, patches, cell, slot):
    """-> next token, patch, cells, place and balance losses [5]. ids, labels, cell, slot [B,T]: -1 where nothing is
    asked."""
    vis, patch, seen = vision(w, p, images, row)
    balance = []
    h, middle = language(w, p["lm"], prefix(w, vis, ids[:, :-1]), balance)
    h, middle = h[:, vis.shape[1]:].flatten(0, 1), middle[:, vis.shape[1]:].flatten(0, 1)
    pick = lambda logits, to: F.cross_entropy(logits.float(), to.flatten(), ignore_index=-1)
    where = F.linear(middle, w["aux.place"])
    n = w["aux.place"].shape[0] - synth.SLOTS
    return torch.stack([pick(F.linear(h, w["lm_head.weight"]), labels), pick(patch.flatten(0, -2), patches),
                        pick(seen.flatten(0, -2), cells), pick(where[:, :n], cell) + pick(where[:, n:], slot),
                        sum(balance) / max(1, len(balance))])


@torch.no_grad()
def greedy(w, p, images, prompt, steps):
    """Reads whole pages without a cache, all at once. prompt: ids -> list of id lists."""
    vis, _, _ = vision(w, p, images, 0)
    ids = torch.tensor(prompt, device=images.device).expand(len(images), -1)
    done = torch.zeros(len(images), dtype=torch.bool, device=images.device)
    for _ in range(steps):
        h, _ = language(w, p["lm"], prefix(w, vis, ids), [])
        token = torch.where(done, checkpoint.EOS, F.linear(h[:, -1], w["lm_head.weight"]).argmax(-1))
        ids = torch.cat([ids, token[:, None]], 1)
        done |= token == checkpoint.EOS
        if done.all():
            break
    rows = ids[:, len(prompt):].tolist()
    return [r[:r.index(checkpoint.EOS)] if checkpoint.EOS in r else r for r in rows]
