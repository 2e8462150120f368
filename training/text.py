"""What is written: the characters, and endless text of prose, words, numbers and codes, as indices into CHARS."""
import glob
import os
import random
import re

import numpy as np

ASCII = "".join(map(chr, range(32, 127)))
LATIN = "".join(chr(c) for c in range(0xC0, 0x100) if c not in (0xD7, 0xF7)) + "ŒœŠšŽžŸ"
MARKS = "‘’“”„–—€•£§°©«»¿¡…"
RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"
SIGNS = "½¼¾×÷±µ·®™†‡¥¢→≤≥"
CHARS = ASCII + LATIN + MARKS + RAISED + SIGNS
LIGATURES = {"fi": "ﬁ", "fl": "ﬂ"}  # drawn as one glyph where a font has it, and read as two characters
GLYPHS = CHARS + "".join(LIGATURES.values())
BLANK = len(GLYPHS)  # the second character of a ligature
CODE = {c: i for i, c in enumerate(CHARS)}
SPACE = CODE[" "]
PLAIN = dict(
    zip(
        "ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝàáâãäåçèéêëìíîïðñòóôõöøùúûüýÿŠšŽžŸ‘’“”„–—•«»" + RAISED + "·†µ",
        "AAAAAACEEEEIIIIDNOOOOOOUUUUYaaaaaaceeeeiiiidnoooooouuuuyySsZzY''\"\"\"--*\"\"" + "0123456789.+u",
    )
)
FOLD = np.array([CODE.get(PLAIN.get(c, c if c in ASCII else "x")) for c in CHARS], np.int32)  # what every font has
UPPER = np.array([CODE.get(c.upper(), CODE[c]) for c in CHARS], np.int32)
_UTF8 = [c.encode() for c in CHARS]
UTF8_LENGTH = np.array([len(b) for b in _UTF8])
UTF8 = np.array([list(b.ljust(3, b"\0")) for b in _UTF8], np.uint8)

# Pairs that typesetters move together, and by how many thousandths of the size.
KERNED = (
    "AV AW AT AY Av Aw Ay VA WA TA YA LT LV LW LY Ly PA FA Te To Ta Tr Tu Ty Ve Vo Va We Wo Wa Ye Yo Ya P, P. F, "
    "F. T, T. V, V. W, W. Y, Y. r, r. v, v. w, w. y, y. AO OA RT RV KO Ke Ko ke ko ov vo yo oy L' A' f, fa"
).split()
KERN = np.zeros((len(GLYPHS) + 1, len(GLYPHS) + 1), np.float32)
for pair in KERNED:
    KERN[CODE[pair[0]], CODE[pair[1]]] = 0.11 if pair[0] in "TVWYFPAL" and pair[1] not in "OT" else 0.05

MONTHS = (
    "January February March April May June July August September October November December Jan Feb Mar Apr Jun "
    "Jul Aug Sep Oct Nov Dec janvier février août décembre Januar März Mai Oktober enero agosto luglio"
).split()


def encode(text):
    """-> indices; characters that are not trained are left out."""
    return np.array([CODE[c] for c in text if c in CODE], np.int32)


def curly(text):
    """Straight quotes and hyphens as typesetters write them."""
    text = re.sub(r'(^|[\s(\[])"', r"\1“", text).replace('"', "”")
    text = re.sub(r"(^|[\s(\[])'", r"\1‘", text).replace("'", "’")
    return text.replace("...", "…").replace(" -- ", " — ").replace(" - ", " – ")


def quantity(rng):
    """A number, date, price, time, code or address as documents have them."""
    n = rng.randint
    big = n(0, 10 ** n(1, 7))
    month = rng.choice(MONTHS)
    return rng.choice(
        (
            lambda: str(n(0, 99)),
            lambda: str(big),
            lambda: str(n(1900, 2035)),
            lambda: f"{rng.random() * 1000:.2f}",
            lambda: f"{big:,}",
            lambda: f"{big:,}".replace(",", "."),
            lambda: f"{rng.random() * 100:.1f}".replace(".", ","),
            lambda: f"{n(1, 12)}/{n(1, 31)}",
            lambda: f"{n(1, 28)}/{n(1, 12)}/{n(1990, 2035)}",
            lambda: f"{n(1990, 2035)}-{n(1, 12):02d}-{n(1, 28):02d}",
            lambda: f"{n(1, 28):02d}.{n(1, 12):02d}.{n(1990, 2035)}",
            lambda: f"{n(1, 28)} {month} {n(1900, 2035)}",
            lambda: f"{month} {n(1, 28)}, {n(1900, 2035)}",
            lambda: f"{n(1, 31)}. {month}",
            lambda: f"{n(0, 23)}:{n(0, 59):02d}",
            lambda: f"{n(0, 23):02d}:{n(0, 59):02d}:{n(0, 59):02d}",
            lambda: f"{n(1, 12)}:{n(0, 59):02d} {rng.choice(('am', 'pm', 'AM', 'PM'))}",
            lambda: f"${n(1, 999)}",
            lambda: f"${n(1, 99)}.{n(0, 99):02d}",
            lambda: f"{rng.choice('€£$')}{n(1, 9999):,}.{n(0, 99):02d}",
            lambda: f"{n(0, 999)},{n(0, 99):02d} €",
            lambda: f"{n(1, 99)}.{n(0, 999):03d},{n(0, 99):02d}",
            lambda: f"EUR {n(1, 999)},{n(0, 99):02d}",
            lambda: f"{n(0, 100)}%",
            lambda: f"{n(0, 99)}.{n(0, 9)}%",
            lambda: f"{n(0, 99)},{n(0, 9)} %",
            lambda: f"+{n(1, 99)} {n(10, 999)} {n(100, 9999)} {n(100, 9999)}",
            lambda: f"({n(10, 999)}) {n(100, 999)}-{n(1000, 9999)}",
            lambda: f"#{n(0, 9999)}",
            lambda: f"({n(1, 99)})",
            lambda: f"[{n(1, 99)}]",
            lambda: f"No. {n(1, 999)}",
            lambda: f"§ {n(1, 99)}",
            lambda: f"{n(-30, 99)} °C",
            lambda: f"{n(1, 9)}.{n(0, 20)}.{n(0, 20)}",
            lambda: f"{n(1, 40)}.{n(1, 20)}",
            lambda: f"{rng.choice('ABCDEFGHKLMNPRSTVX')}{rng.choice('ABCDEFGHKLMNPRSTVX')}-{n(0, 99999):05d}",
            lambda: f"{rng.choice('ABCDEFGHJKLMNPRSTX')}{n(1, 999)}",
            lambda: f"DE{n(10, 99)} {n(1000, 9999)} {n(1000, 9999)} {n(1000, 9999)}",
            lambda: f"{n(2, 999)} {rng.choice(('kg', 'g', 'km', 'cm', 'mm', 'ml', 'l', 'x', 'h', 'min', 'MB', 'kWh'))}",
            lambda: f"{n(1, 300)}-{n(1, 300)}",
            lambda: f"{n(1, 300)}–{n(1, 300)}",
            lambda: f"{n(0, 10 ** 10)}",
            lambda: f"© {n(1980, 2035)}",
            lambda: f"{n(1, 21)}{rng.choice(('st', 'nd', 'rd', 'th'))}",
            lambda: rng.choice("II III IV VI VII VIII IX XI XII XIV XIX XX MCMXC iii iv vii".split()),
            lambda: f"{n(1, 999)} {rng.choice(('m²', 'm³', 'km²', 'cm²', 'cm³', 'µm', 'µg'))}",
            lambda: f"{n(1, 99)}·10{rng.choice(RAISED[2:])}",
            lambda: f"{rng.choice('abcmnrxyzRE')}{rng.choice(RAISED[2:5])}",
            lambda: f"{n(1, 99)} × {n(1, 999)}",
            lambda: f"{n(1, 99)} x {n(1, 999)}",
            lambda: f"{n(1, 20)} {rng.choice('xxx×')}",
            lambda: f"{n(1, 20)}{rng.choice('xxx×')}",
            lambda: f"{n(1, 9)}{rng.choice('½¼¾')}",
            lambda: f"±{n(0, 9)}.{n(0, 99)}",
            lambda: f"{rng.choice('¥¢')}{n(1, 9999)}",
            lambda: f"{rng.choice('≤≥')} {n(1, 999)}",
            lambda: "".join(rng.choice("0123456789abcdef") for _ in range(n(4, 12))),
            lambda: "1" * n(1, 4) + str(n(0, 1111)),
        )
    )()


class Text:
    """Buffers of codes with the places where words start; each is a kind of text with its share of the pieces."""

    def __init__(self, folder, seed):
        self.rng = random.Random(seed)
        self.prose, self.words = {}, {}
        for f in sorted(glob.glob(os.path.join(folder, "*.txt"))):
            with open(f, encoding="utf-8") as source:
                text = " ".join(source.read().split())
            name = os.path.basename(f)[:-4]
            if name.startswith("words-"):
                self.words.setdefault(name[6:], []).extend(text.split())
                continue
            self.prose[name] = [self.buffer(text), self.buffer(curly(text))]
            self.words.setdefault(name, []).extend(w for w in re.findall(r"[^\W\d_][^\W\d_'-]*", text) if len(w) < 15)
        self.others = [k for k in self.prose if k != "en"]
        everything = [w for ws in self.words.values() for w in ws]
        self.low = sorted({w for w in everything if re.fullmatch("[acemnorsuvwxz]{1,9}", w.lower())})  # nothing tall
        self.alike = sorted({w for w in everything if re.search("ly$|[Il1]{2}|rn|vv|cl|li", w)})
        self.soups = {}
        for name in ("words", "quantities", "short", "codes"):
            self.stir(name, 20000 if name == "words" else 8000)

    @staticmethod
    def buffer(text):
        """-> codes, starts of words; none so near the end that a piece could lack text."""
        codes = encode(text)
        return codes, np.flatnonzero(np.concatenate([[True], codes[: max(0, len(codes) - 64)] == SPACE]))

    def word(self, rng):
        """A word of any language with the cases and marks that words have."""
        q = rng.random()
        vocabulary = self.words["en"] if q < 0.6 else self.words[rng.choice(self.others or ["en"])]
        w, q = rng.choice(vocabulary), rng.random()
        w = w.upper() if q < 0.14 else w.capitalize() if q < 0.32 else w
        q = rng.random()
        if q < 0.12:
            w = rng.choice(("%s,", "%s.", "%s;", "%s:", "%s?", "%s!", "%s-")) % w
        elif q < 0.2:
            w = (
                rng.choice(
                    (
                        '"%s"',
                        '"%s"',
                        '"%s',
                        '%s"',
                        '%s."',
                        "'%s'",
                        "'%s'",
                        "'%s",
                        "%s'",
                        "%s™",
                        "%s®",
                        "%s†",
                        "%s ·",
                        "%s →",
                        "%s" + rng.choice(RAISED),
                        "%s." + rng.choice(RAISED[1:]),
                        "%s" + rng.choice(RAISED[1:4]) + rng.choice(RAISED),
                        "(%s)",
                        "[%s]",
                        "“%s”",
                        "‘%s’",
                        "„%s“",
                        "«%s»",
                        "« %s »",
                        "<%s>",
                        "*%s*",
                        "¿%s?",
                        "¡%s!",
                        "%s’s",
                        "%s's",
                        "l’%s",
                        "d'%s",
                        "%s/",
                        "/%s",
                        "%s…",
                        "- %s",
                        "– %s",
                        "— %s",
                        "• %s",
                        "%s &",
                        "%s=",
                        "@%s",
                        "%s_x",
                        "www.%s.com",
                        "%s@mail.org",
                        "~/%s",
                    )
                )
                % w
            )
        return w

    def token(self, rng, name):
        q = rng.random()
        if name == "words":
            return quantity(rng) if q < 0.07 else self.word(rng)
        if name == "quantities":
            return self.word(rng) if q < 0.2 else quantity(rng)
        if name == "short":
            w = rng.choice(self.low if q < 0.5 and self.low else self.alike or self.words["en"])
            return (
                w
                if q < 0.2
                else (
                    w.upper()
                    if q < 0.35
                    else (
                        w.capitalize()
                        if q < 0.5
                        else w if q < 0.7 else quantity(rng) if q < 0.85 else rng.choice(ASCII[1:])
                    )
                )
            )
        return "".join(rng.choice(ASCII[1:] if q < 0.6 else CHARS[1:]) for _ in range(rng.randint(1, 7)))

    def stir(self, name, tokens):
        """Fresh text of a kind that is made, not read."""
        self.soups[name] = self.buffer(" ".join(self.token(self.rng, name) for _ in range(tokens)))

    def source(self, rng):
        q = rng.random()
        if q < 0.48:
            return self.prose["en" if rng.random() < 0.55 or not self.others else rng.choice(self.others)][
                rng.random() < 0.5
            ]
        return self.soups["words" if q < 0.70 else "quantities" if q < 0.86 else "short" if q < 0.94 else "codes"]

    def piece(self, rng, advance, room, most, fill):
        """Codes of words that follow each other, at most `most` and no wider than the room; fill: share of it to use.
        advance: of every glyph. A word longer than the room is cut, and now and then another."""
        codes, starts = self.source(rng)
        at = int(starts[int(rng.random() * len(starts))])
        cut = rng.random()
        if cut < 0.02:
            at += rng.randint(1, 4)
        part = codes[at : at + most + 1]
        if part[0] == SPACE:
            part = part[1:]
        if rng.random() < 0.06:
            part = UPPER[part]
        end = np.cumsum(advance[part])
        n = int(np.searchsorted(end, room * fill))
        if n < len(part) and part[n] != SPACE and not 0.02 < cut < 0.04:
            gaps = np.flatnonzero(part == SPACE)
            after, before = gaps[gaps > n], gaps[gaps < n]
            if len(after) and after[0] <= most and end[after[0] - 1] <= room:
                n = int(after[0])
            elif len(before):
                n = int(before[-1])
        n = min(max(n, 1), most)
        part = part[:n]
        while len(part) > 1 and part[-1] == SPACE:
            part = part[:-1]
        if end[min(n, len(end)) - 1] > room:  # one word, too long
            part = part[: max(1, int(np.searchsorted(end, room)))]
        return part
