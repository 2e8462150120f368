#!/usr/bin/python3
"""Measures the character error rate of build/lectern on pictures of printed text, and with --weights other than f32
the largest error of the logits too: over their largest value, while the tokens of f32 are written.

The pictures are drawn here, with Pillow and in the fonts that the training leaves out (HELD_OUT in
training/synth.py), at sizes that the shipped model takes without shrinking. The rate is the sum of the edit
distances over the sum of the lengths; a line break counts as a character, and a picture counts for at most its
length. Ends with 1 when the rate is above --limit, with 2 when nothing could be read.
"""
import argparse
import ast
import glob
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SIZES = [(256, 256)] * 3 + [(256, 192), (256, 128), (256, 96), (220, 256), (200, 200), (240, 160)]
MARGIN = 6
WORDS = """
able about above accept across act add afternoon again against age air all almost alone along already also always among
amount animal another answer apple area arm arrive art ask autumn baby back bad bag ball bank base basket beach bear
beautiful because bed before begin behind believe bell below best better between big bird black block blue board boat
body book born both bottle bottom box boy branch bread break bridge bright bring brother brown build building burn
business busy button buy call camera capital captain car care carry case castle cat catch cause centre century certain
chair chance change cheap check cheese child church circle city class clean clear climb clock close cloth cloud coast
coat coffee cold collect colour come common company compare complete consider contain continue control cook copper copy
corner correct cost cotton count country course cover cross crowd cry cup current cut dance danger dark date daughter
day dead deal dear decide deep degree delivery depend desert design desk develop dinner direct discover distance divide
doctor dog door double doubt down draw dream dress drink drive drop dry during dust duty each ear early earth east easy
edge education effect egg eight either electric else empty end engine enjoy enough enter equal evening event ever every
example except excuse exercise expect explain eye face fact factory fair fall family famous far farm fast father
favour fear feel fence few field fifty fight figure fill film final find fine finger finish fire first fish five flag
flat flight floor flower fly follow food foot foreign forest forget forward four frame free fresh friend fruit full
garden gate general gentle girl give glass gold good grand grass great green ground group grow guess guide half hall
hand happen happy harbour hard hat head health hear heart heat heavy help high hill history hold holiday home honest
hope horse hospital hotel hour house hundred hungry hurry husband idea important inch include increase indeed inside
interest iron island join journey judge jump juice keep key kind king kitchen knee know ladder lady lake lamp language
large last late laugh law lead learn leather leave left lesson letter level library lift light line list listen little
local long look lose loud love lunch machine main make manner many map market master matter meal mean measure meet
member memory message metal middle mile milk mind minute mirror modern moment money month moon morning mother mountain
mouth music name narrow nation nature near neck need neighbour never new news night nine noise north nothing notice
number object ocean offer office often oil open opinion orange order other outside over page paint pair paper parent
park part party pass past path pay peace pencil people perhaps period person picture piece place plain plane plant
plate play please point police poor position possible post pound power prepare present press price print prison prize
problem produce promise proper public pull purple push quarter queen question quick quiet quite race radio rain raise
reach read ready reason receive record red regular remember repeat reply report rest result rice rich ride right ring
rise river road rock roof room root rope rough round row rule safe sail salt same sand save school science season seat
second secret see seed sell send sentence serious serve seven several shade shape share sharp ship shirt shoe shop shore
short shoulder show sick side sign silver simple sing sister six size skin sleep slow small smile smoke snow soap soft
soil soldier some song soon sound south space speak special speed spell spend spoon sport spring square stage stamp
stand star start station stay steam steel step stick still stone stop storm story straight strange street strong student
study sugar suit summer sun supper sure surface surprise sweet swim table tail talk tall taste tea teach team tell ten
test thank theatre thick thin thing think third thirty thousand thread three through ticket tiger tie time tired today
together tomorrow tool top total touch tower town trade train travel tree trouble true trust turn twelve twenty twice
two type uncle under understand unit until upper use useful usual valley value various vegetable very view village visit
voice wait walk wall want war warm wash watch water wave way weather week weight welcome west wheel white whole why wide
wife wild wind window wine winter wise wish woman wonder wood wool word work world worth write wrong yard year yellow
yesterday young zebra zero
""".split()


def held_out_fonts() -> list[str]:
    """One file for every font that training/synth.py leaves out."""
    with open(os.path.join(ROOT, "training/synth.py"), encoding="utf-8") as source:
        tree = ast.parse(source.read())
    pattern = next(ast.literal_eval(node.value) for node in tree.body
                   if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "HELD_OUT")
    fonts = {os.path.basename(f): f for f in sorted(glob.glob("/usr/share/fonts/**/*.ttf", recursive=True))
             if re.search(pattern, f)}
    if not fonts:
        sys.exit("accuracy: none of the held-out fonts is installed; run scripts/install_packages.sh test")
    return [fonts[name] for name in sorted(fonts)]


def random_token(rng: random.Random) -> str:
    kind, word = rng.random(), rng.choice(WORDS)
    if kind < 0.72:
        return word if kind < 0.46 else word.capitalize() if kind < 0.62 else word.upper()
    return rng.choice((
        str(rng.randint(0, 99)), str(rng.randint(100, 99999)), f"{rng.random() * 100:.2f}", f"{rng.randint(1, 100)}%",
        f"${rng.randint(1, 99)}.{rng.randint(0, 99):02d}",
        f"{rng.randint(1, 28)}/{rng.randint(1, 12)}/{rng.randint(1990, 2029)}",
        f"{rng.randint(1990, 2029)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
        f"{rng.randint(0, 23)}:{rng.randint(0, 59):02d}"))


def random_line(rng: random.Random, font: ImageFont.FreeTypeFont, room: float) -> str:
    """Words and numbers until a random share of the room is used; never wider than the room."""
    line, want = "", room * rng.uniform(0.3, 1.0)
    for _ in range(20):
        longer = f"{line} {random_token(rng)}".strip()
        if font.getlength(longer) <= room:
            line = longer
        if font.getlength(line) >= want:
            break
    return line or str(rng.randint(0, 9))


def random_colours(rng: random.Random) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Paper and ink: dark on light, one time in ten light on dark."""
    light, dark = rng.randint(225, 255), rng.randint(0, 70)
    paper = tuple(min(255, light + rng.randint(-8, 8)) for _ in range(3))
    ink = tuple(max(0, dark + rng.randint(-20, 20)) for _ in range(3))
    if rng.random() < 0.3:
        paper, ink = (255, 255, 255), (0, 0, 0)
    return (ink, paper) if rng.random() < 0.1 else (paper, ink)


def random_picture(rng: random.Random, font_file: str) -> tuple[Image.Image, str]:
    while True:
        width, height = rng.choice(SIZES)
        font = ImageFont.truetype(font_file, rng.randint(20, 40))
        pitch = round(sum(font.getmetrics()) * rng.uniform(1.0, 1.35))
        count = min(rng.randint(1, 3), (height - 2 * MARGIN) // pitch)
        left = MARGIN + rng.randint(0, 24)
        lines = [random_line(rng, font, width - MARGIN - left) for _ in range(count)]
        paper, ink = random_colours(rng)
        picture = Image.new("RGB", (width, height), paper)
        draw = ImageDraw.Draw(picture)
        top = MARGIN + rng.randint(0, max(0, (height - 2 * MARGIN - count * pitch) // 2))
        inside = count > 0
        for i, line in enumerate(lines):
            at = (left, top + i * pitch)
            box = draw.textbbox(at, line, font=font)
            inside = inside and box[0] >= 2 and box[1] >= 2 and box[2] <= width - 2 and box[3] <= height - 2
            draw.text(at, line, font=font, fill=ink)
        if inside:
            return picture, "\n".join(lines)


def edit_distance(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


def bootstrap(distances: np.ndarray, lengths: np.ndarray, seed: int) -> tuple[float, float]:
    """The middle 95 % of the rates of pictures drawn again with replacement."""
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(lengths), (10000, len(lengths)))
    low, high = np.percentile(distances[picks].sum(1) / lengths[picks].sum(1), [2.5, 97.5])
    return float(low), float(high)


def read_text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().rstrip()
    except FileNotFoundError:
        return ""


def tensors_of(path: str) -> dict[str, np.ndarray]:
    """The f32 and i64 tensors of a .safetensors file."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    types = {"F32": np.float32, "I64": np.int64}
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])], types[entry["dtype"]]).reshape(entry["shape"])
            for name, entry in header.items() if name != "__metadata__"}


def logit_errors(options: argparse.Namespace, pictures: list[str], folder: str) -> tuple[float, int, int]:
    """The largest error, in how many steps another token is the best, and the steps."""
    def trace(picture: str, weights: str, *more: str) -> dict[str, np.ndarray]:
        out = os.path.join(folder, "trace.safetensors")
        subprocess.run([options.binary, "trace", picture, "--prompt", "free", "--model", options.model, "--weights",
                        weights, "-o", out, *more], check=True, stdin=subprocess.DEVNULL)
        return tensors_of(out)

    worst, changed, steps = 0.0, 0, 0
    for picture in pictures:
        exact = trace(picture, "f32")
        tokens = exact["tokens"]
        other = trace(picture, options.weights, "--forced-ids", " ".join(map(str, tokens)))
        difference = np.abs(other["logits"] - exact["logits"]).max() / np.abs(exact["logits"]).max()
        worst = max(worst, float(difference))
        changed += int((other["tokens"] != tokens).sum())
        steps += len(tokens)
    return worst, changed, steps


def measure(options: argparse.Namespace, folder: str) -> int:
    rng = random.Random(options.seed)
    fonts = held_out_fonts()
    names, truths, faces = [], [], []
    os.makedirs(os.path.join(folder, "read"), exist_ok=True)
    for i in range(options.count):
        face = fonts[i % len(fonts)]
        picture, truth = random_picture(rng, face)
        name = f"{i:04d}"
        picture.save(os.path.join(folder, name + ".png"))
        with open(os.path.join(folder, name + ".txt"), "w", encoding="utf-8") as file:
            file.write(truth + "\n")
        names.append(name)
        truths.append(truth)
        faces.append(os.path.splitext(os.path.basename(face))[0])
    if options.draw_only:
        print(f"{options.count} pictures in {folder}")
        return 0

    pictures = [os.path.join(folder, n + ".png") for n in names]
    command = [options.binary, "read", *pictures, "--prompt", "free", "--quiet", "-o", os.path.join(folder, "read"),
               "--model", options.model]
    if options.weights:
        command += ["--weights", options.weights]
    outputs = [os.path.join(folder, "read", n + ".txt") for n in names]
    for stale in outputs:
        if os.path.exists(stale):
            os.remove(stale)
    start = time.monotonic()
    status = subprocess.run(command, stdin=subprocess.DEVNULL).returncode
    seconds = time.monotonic() - start
    unread = sum(not os.path.exists(f) for f in outputs)
    if status not in (0, 1) or unread == len(names):
        print(f"accuracy: lectern ended with {status}; {unread} of {len(names)} pictures have no text", file=sys.stderr)
        return 2
    reads = [read_text(f) for f in outputs]

    lengths = np.array([len(t) for t in truths])
    distances = np.array([min(edit_distance(t, r), len(t)) for t, r in zip(truths, reads)])
    rate, (low, high) = distances.sum() / lengths.sum(), bootstrap(distances, lengths, options.seed)
    print(f"character error rate {rate:.2%} (95 % interval {low:.2%} to {high:.2%}); "
          f"{len(names)} pictures, {lengths.sum()} characters, {np.mean(distances == 0):.0%} of the pictures without "
          f"an error, {unread} not read; {seconds / len(names):.2f} s a picture")
    for face in sorted(set(faces)):
        mine = np.array([f == face for f in faces])
        print(f"  {face:28s} {distances[mine].sum() / lengths[mine].sum():7.2%}")
    print("the worst:")
    for i in sorted(range(len(names)), key=lambda k: -distances[k] / lengths[k])[:5]:
        print(f"  {names[i]} {faces[i]}: {truths[i]!r} -> {reads[i]!r}")
    if options.weights not in (None, "f32"):
        worst, changed, steps = logit_errors(options, pictures[:20], folder)
        print(f"largest logit error {worst:.1e} of the largest logit; another token is the best in {changed} of {steps} "
              "steps")
    if rate > options.limit:
        print(f"accuracy: {rate:.2%} is above the limit of {options.limit:.2%}", file=sys.stderr)
        return 1
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="character error rate on pictures of printed text in held-out fonts")
    parser.add_argument("--model", default="primer", help="folder or name of the model (default: the shipped one)")
    parser.add_argument("--weights", choices=("f32", "bf16", "q8", "q4"), help="how weights are kept (default f32)")
    parser.add_argument("--count", type=int, default=200, help="number of pictures (default %(default)s)")
    parser.add_argument("--limit", type=float, default=0.10, help="highest rate that passes (default %(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="seed of the pictures (default %(default)s)")
    parser.add_argument("--keep", metavar="DIR", help="keep the pictures, their truth and what was read")
    parser.add_argument("--binary", default=os.path.join(ROOT, "build/lectern"), help=argparse.SUPPRESS)
    parser.add_argument("--draw-only", action="store_true", help="draw the pictures and stop; needs --keep")
    options = parser.parse_args()
    if options.count < 1:
        parser.error("--count must be at least 1")
    if options.draw_only and not options.keep:
        parser.error("--draw-only needs --keep")
    if options.keep:
        return measure(options, options.keep)
    with tempfile.TemporaryDirectory(prefix="lectern-accuracy-") as folder:
        return measure(options, folder)


if __name__ == "__main__":
    sys.exit(main())
