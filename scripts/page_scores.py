"""What a page that was read is worth beside its truth: characters, words, their order and their boxes."""
import bisect
from dataclasses import dataclass, field

from printed_pages import Box, Page


@dataclass
class Reading:
    text: str = ""
    words: list[tuple[str, Box, float | None]] = field(default_factory=list)
    confidence: float | None = None
    read: bool = False


def edit_distance(a, b) -> int:
    """Of two sequences: the bit-vector algorithm of Myers as Hyyro gives it."""
    if not a:
        return len(b)
    places: dict = {}
    for i, x in enumerate(a):
        places[x] = places.get(x, 0) | 1 << i
    mask, last = (1 << len(a)) - 1, 1 << (len(a) - 1)
    up, down, distance = mask, 0, len(a)
    for x in b:
        same = places.get(x, 0)
        diagonal = (((same & up) + up) ^ up) | same | down
        right = down | ~(diagonal | up) & mask
        left = up & diagonal
        distance += (right & last != 0) - (left & last != 0)
        right = (right << 1 | 1) & mask
        up = (left << 1 | ~(diagonal | right)) & mask
        down = right & diagonal
    return distance


def in_order(truth: list[str], read: list[str]) -> bool:
    """Whether the pairs of words that stand once in both come in the same order, and are most of the truth's."""
    def single(words_of: list[str]) -> dict:
        pairs: dict = {}
        for i, pair in enumerate(zip(words_of, words_of[1:])):
            pairs[pair] = -1 if pair in pairs else i
        return {pair: i for pair, i in pairs.items() if i >= 0}

    there, here = single(truth), single(read)
    places = [here[pair] for pair in there if pair in here]
    rising: list[int] = []
    for place in places:
        at = bisect.bisect_left(rising, place)
        rising[at:at + 1] = [place]
    return len(places) * 2 >= len(there) and len(rising) >= len(places)


def overlap(a: Box, b: Box) -> float:
    """Area in common over the area of both together."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def best_match(box: Box, others: list[Box]) -> tuple[float, int]:
    return max(((overlap(box, other), i) for i, other in enumerate(others)), default=(0, -1))


@dataclass
class Score:
    characters: int
    wrong_characters: int
    words: int
    wrong_words: int
    ordered: bool
    boxed: int
    judged: list[tuple[float, bool]]  # confidence of every word that was read, and whether it is right


def score(page: Page, reading: Reading) -> Score:
    truth, read = [w for w, _ in page.words], reading.text.split()
    boxes = [box for _, box, _ in reading.words]
    true_boxes = [box for _, box in page.words]
    judged = []
    for text, box, confidence in reading.words:
        found, at = best_match(box, true_boxes)
        if confidence is not None:
            judged.append((confidence, found > 0 and text == truth[at]))
    return Score(len(page.text), min(len(page.text), edit_distance(page.text, reading.text)), len(truth),
                 min(len(truth), edit_distance(truth, read)), in_order(truth, read),
                 sum(best_match(box, boxes)[0] >= 0.5 for box in true_boxes), judged)


def rates(scores: list[Score]) -> list[str]:
    characters, total = sum(s.characters for s in scores), sum(s.words for s in scores)
    if not scores:
        return ["", "", "", ""]
    return [f"{sum(s.wrong_characters for s in scores) / characters:.2%}",
            f"{sum(s.wrong_words for s in scores) / total:.2%}",
            f"{sum(s.ordered for s in scores) / len(scores):.0%}",
            f"{sum(s.boxed for s in scores) / total:.1%}"]
