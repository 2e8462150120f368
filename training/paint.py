"""Draws views that were laid out (synth.py) on any device: ink, wear of the print, the map of each line or picture,
loss of resolution, colours, light, noise, padding. Every draw of chance is a tensor on the device, so that nothing
waits for the processor."""
import functools
import math

import torch
import torch.nn.functional as F

import synth

JPEG = torch.tensor(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=torch.float32,
)
COSINES = torch.tensor(
    [
        [math.cos((2 * x + 1) * u * math.pi / 16) * (0.125 if u == 0 else 0.25) ** 0.5 for x in range(8)]
        for u in range(8)
    ]
)


def canvas(ink, boxes, glyphs, pixels, n, height, width):
    """glyphs int [g,6]: view, glyph, x, y, first and last row that it may ink; pixels: of all their boxes together
    -> [n,1,height,width] in 0..1, where glyphs overlap the darkest."""
    view, glyph, x, y, low, high = glyphs.long().unbind(1)
    first, w, h, left, top = boxes[glyph].unbind(1)
    sizes = w * h
    of = torch.repeat_interleave(torch.arange(len(glyphs), device=glyphs.device), sizes, output_size=pixels)
    at = torch.arange(pixels, device=glyphs.device) - (torch.cumsum(sizes, 0) - sizes)[of]
    along = w[of]
    py, px = (y + top)[of] + at // along, (x + left)[of] + at % along
    seen = (px >= 0) & (px < width) & (py >= low[of]) & (py < high[of])
    value = ink[first[of] + at].int() * seen
    out = torch.zeros(n * height * width, dtype=torch.int32, device=glyphs.device)
    out.scatter_reduce_(
        0, (view[of] * height + py.clamp(0, height - 1)) * width + px.clamp(0, width - 1), value, "amax"
    )
    return out.view(n, 1, height, width).float() / 255


class Chance:
    """Draws on the device, and shares of a batch: views follow each other at random, so that a share is a slice."""

    def __init__(self, n, device, generator):
        self.n, self.device, self.generator = n, device, generator

    def uniform(self, *shape, low=0.0, high=1.0):
        return torch.rand(*shape, device=self.device, generator=self.generator) * (high - low) + low

    def normal(self, *shape):
        return torch.randn(*shape, device=self.device, generator=self.generator)

    def share(self, of, rng):
        k = int(self.n * of + rng.random())
        start = rng.randint(0, self.n - k)
        return slice(start, start + k)


@functools.cache
def jpeg_tables(device):
    return COSINES.to(device), JPEG.to(device)


def blocks(x):
    n, _, h, w = x.shape
    return x.view(n, h // 8, 8, w // 8, 8).transpose(2, 3)


def jpeg(x, quality):
    """[n,1,h,w] with quality [n] -> what JPEG leaves of it; h and w are multiples of 8."""
    c, table = jpeg_tables(x.device)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)[:, None, None, None, None]
    step = (table * scale).clamp(1, 255) / 255
    coefficients = c @ blocks(x) @ c.T
    return (c.T @ ((coefficients / step).round() * step) @ c).transpose(2, 3).reshape(x.shape)


def wear(ink, c, rng):
    """What happens at the resolution of the scan."""
    s = c.share(0.16, rng)
    k = ink[s].shape[0]
    if k:
        thick, thin = F.max_pool2d(ink[s], 3, 1, 1), -F.max_pool2d(-ink[s], 3, 1, 1)
        to = c.uniform(k, 1, 1, 1, low=-0.55, high=0.5)
        ink[s] = torch.where(to > 0, torch.lerp(ink[s], thick, to), torch.lerp(ink[s], thin, -to))
    s = c.share(0.25, rng)
    k = ink[s].shape[0]
    if k:
        ink[s] = torch.lerp(ink[s], F.avg_pool2d(ink[s], 3, 1, 1), c.uniform(k, 1, 1, 1))
    s = c.share(0.12, rng)
    k = ink[s].shape[0]
    if k:  # paper and toner
        grain = F.interpolate(c.normal(k, 1, ink.shape[2] // 2, ink.shape[3] // 2), scale_factor=2.0, mode="bilinear")
        ink[s] = ink[s] * (1 - 0.35 * c.uniform(k, 1, 1, 1) * grain.clamp(0, 2)) + 0.06 * c.uniform(k, 1, 1, 1) * grain
    s = c.share(0.08, rng)
    k = ink[s].shape[0]
    if k:  # of two tones
        ink[s] = torch.sigmoid(
            (ink[s] + 0.08 * c.normal(*ink[s].shape) - c.uniform(k, 1, 1, 1, low=0.3, high=0.65)) * 40
        )
    s = c.share(0.12, rng)
    k = ink[s].shape[0]
    if k:
        ink[s] = jpeg(ink[s], c.uniform(k, low=12, high=80))
    return ink


def mapped(ink, maps, width, rng):
    """The canvas [n,1,h,w] and maps [n,rows,6] -> [n,1,rows*64,width]."""
    n, rows = maps.shape[:2]
    y = torch.arange(rows * 64, device=ink.device).view(rows, 64, 1) + 0.5
    x = torch.arange(width, device=ink.device) + 0.5
    m = maps.view(n, rows, 6, 1, 1)
    across, down = m[:, :, 0] * x + m[:, :, 1] * y + m[:, :, 2], m[:, :, 3] * x + m[:, :, 4] * y + m[:, :, 5]
    grid = torch.stack([across * (2 / ink.shape[3]) - 1, down * (2 / ink.shape[2]) - 1], -1).view(
        n, rows * 64, width, 2
    )
    return F.grid_sample(ink, grid, mode="bicubic" if rng.random() < 0.5 else "bilinear", align_corners=False).clamp(
        -0.1, 1.1
    )


def softened(ink, c, rng):
    """Of a low resolution, enlarged; out of focus; JPEG."""
    h, w = ink.shape[-2:]
    for _ in range(3):
        s = c.share(0.08, rng)
        if ink[s].shape[0]:
            f = rng.uniform(0.42, 0.9)
            small = F.interpolate(ink[s], size=(int(h * f), int(w * f)), mode="bilinear", antialias=True)
            if rng.random() < 0.4:
                small = small + 0.05 * c.uniform(len(small), 1, 1, 1) * c.normal(*small.shape)
            ink[s] = F.interpolate(small, size=(h, w), mode=rng.choice(("bicubic", "bilinear"))).clamp(-0.1, 1.1)
    s = c.share(0.15, rng)
    if ink[s].shape[0]:
        ink[s] = torch.lerp(ink[s], F.avg_pool2d(ink[s], 3, 1, 1), c.uniform(len(ink[s]), 1, 1, 1))
    s = c.share(0.04, rng)
    if ink[s].shape[0]:
        ink[s] = torch.lerp(ink[s], F.avg_pool2d(ink[s], 5, 1, 2), c.uniform(len(ink[s]), 1, 1, 1, high=0.7))
    s = c.share(0.12, rng)
    if ink[s].shape[0]:
        ink[s] = jpeg(ink[s], c.uniform(len(ink[s]), low=20, high=85))
    return ink


def palette(c, style, lines):
    """style [n,rows]: rows of one number look alike -> paper, ink [n,3,rows,1,1], paper of the first [n,3,1,1,1]."""
    n, rows = style.shape
    first = style[:, :1]
    same = (style == first).float()[:, None, :, None, None]

    def pick():
        dark = (c.uniform(n, 1, 1, 1, 1) < torch.where(lines, 0.11, 0.14)[:, None, None, None, None]).float()
        plain = (c.uniform(n, 1, 1, 1, 1) < 0.35).float()
        tint = c.uniform(n, 3, 1, 1, 1)
        paper = (0.68 + 0.32 * c.uniform(n, 1, 1, 1, 1) + 0.06 * (tint - 0.5)) * (1 - dark) + (
            0.05 + 0.3 * tint
        ) * dark * c.uniform(n, 1, 1, 1, 1)
        ink = (
            0.42 * c.uniform(n, 3, 1, 1, 1) * c.uniform(n, 1, 1, 1, 1).sqrt() * (1 - dark)
            + (0.7 + 0.3 * c.uniform(n, 3, 1, 1, 1)) * dark
        )
        paper, ink = torch.lerp(paper, 1 - dark, plain), torch.lerp(ink, dark, plain)
        faint = (c.uniform(n, 1, 1, 1, 1) < 0.12).float() * c.uniform(n, 1, 1, 1, 1, high=0.55)
        return paper, torch.lerp(ink, paper.expand_as(ink), faint)

    (paper, ink), (paper2, ink2) = pick(), pick()
    other = same.expand(n, 1, rows, 1, 1)
    return torch.lerp(paper2, paper, other), torch.lerp(ink2, ink, other), paper


def paint(ink, boxes, batch, width, rng, damage=True, generator=None):
    """batch: tensors on the device of ink and boxes (the atlas) -> uint8 [n,rows*64,width,3]."""
    maps, crop, lines, style = batch["maps"], batch["crop"], batch["lines"], batch["style"]
    n, rows = maps.shape[:2]
    c = Chance(n, maps.device, generator)
    x = canvas(ink, boxes, batch["glyphs"], batch["pixels"], n, rows * synth.STRIP, width * synth.STRIP // 64)
    x = wear(x, c, rng) if damage else x
    x = mapped(x, maps, width, rng)
    at_y = torch.arange(rows * 64, device=x.device).view(1, rows, 64, 1) + 0.5
    at_x = torch.arange(width, device=x.device).view(1, 1, 1, width) + 0.5
    l, t, r, b = (e[..., None, None] for e in crop.unbind(-1))
    inside = ((at_x >= l) & (at_x < r) & (at_y >= t) & (at_y < b)).view(n, 1, rows * 64, width)
    x = x * inside
    x = softened(x, c, rng) if damage else x
    spread = lambda e: e.expand(n, e.shape[1], rows, 64, 1).reshape(n, -1, rows * 64, 1)
    if damage:
        paper, pen, fill = palette(c, style, lines)
        seam = (
            lines[:, None, None, None, None] * (c.uniform(n, 1, rows, 1, 1) < 0.25) * 0.05 * c.normal(n, 1, rows, 1, 1)
        )
        around = spread(torch.where((c.uniform(n, 1, 1, 1, 1) < 0.5), paper, fill.expand_as(paper)))
        paper, pen = spread(paper + seam), spread(pen)
    else:
        paper, pen, around = x.new_ones(n, 3, 1, 1), x.new_zeros(n, 3, 1, 1), x.new_ones(n, 3, 1, 1)
    rgb = paper + (pen - paper) * x
    if damage:
        s = c.share(0.2, rng)
        k = rgb[s].shape[0]
        if k:  # uneven light
            u, v = (
                torch.linspace(-1, 1, width, device=x.device),
                torch.linspace(-1, 1, rows * 64, device=x.device)[:, None],
            )
            a = c.normal(k, 4, 1, 1)
            slope = a[:, :1] * u + a[:, 1:2] * v + 0.7 * a[:, 2:3] * u * v + 0.7 * a[:, 3:] * (u * u + v * v)
            rgb[s] = rgb[s] * (1 - c.uniform(k, 1, 1, 1, high=0.28) * torch.sigmoid(1.5 * slope))
        s = c.share(0.3, rng)
        k = rgb[s].shape[0]
        if k:
            rgb[s] = rgb[s] + c.normal(k, 1, rows * 64, width) * c.uniform(k, 1, 1, 1, high=0.06)
    flat = lines[:, None, None, None] & ~inside
    rgb = torch.where(flat, around, rgb).clamp(0, 1) * 255
    padding = ~lines[:, None, None, None] & ~inside
    return torch.where(padding, float(synth.GREY), rgb).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
