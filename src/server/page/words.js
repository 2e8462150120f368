// Finds the words that were measured on the page in the text that is shown, and puts each into an element of its own.

import {element} from "./dom.js";

const plain = (text) => text.normalize("NFKC");

// The text nodes below `root` as one row of characters without white space, and where each of them stands.
function charactersOf(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const at = [];
  let text = "";
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement.closest(".formula, .sr")) continue;
    let offset = 0;
    for (const character of node.data) {
      const shown = /\s/.test(character) ? "" : plain(character);
      for (const unit of shown) {
        for (let half = 0; half < unit.length; ++half) at.push({node, begin: offset, end: offset + character.length});
        text += unit;
      }
      offset += character.length;
    }
  }
  return {text, at};
}

// Where each of `words` stands in `text`, as [begin, end], or null. They come in the order of the text, but one may be
// written another way, or lack: the search goes on not far behind the last that was found.
export function placeWords(text, words) {
  let from = 0;
  return words.map((word) => {
    const whole = plain(word).replace(/\s/g, "");
    for (const wanted of [whole, whole.replace(/[-\u2010\u00ad]$/, "")]) {
      if (wanted === "") continue;
      const reach = from + (wanted.length < 3 ? 4 : 24 + 3 * wanted.length);
      const begin = text.slice(0, reach + wanted.length).indexOf(wanted, from);
      if (begin < 0) continue;
      from = begin + wanted.length;
      return [begin, from];
    }
    return null;
  });
}

// words: [{text, ...}]; `make(index)` gives the element for a piece of a word. Returns the pieces of each word.
export function wrapWords(root, words, make) {
  const {text, at} = charactersOf(root);
  const byNode = new Map();
  placeWords(text, words.map((word) => word.text)).forEach((place, index) => {
    if (!place) return;
    for (let i = place[0]; i < place[1]; ++i) {
      const {node, begin, end} = at[i];
      if (!byNode.has(node)) byNode.set(node, []);
      const pieces = byNode.get(node);
      const last = pieces.at(-1);
      if (last?.index === index) last.end = Math.max(last.end, end);
      else if (!last || begin >= last.end) pieces.push({index, begin, end});
    }
  });
  const found = words.map(() => []);
  for (const [node, pieces] of byNode) {
    const parts = [];
    let done = 0;
    for (const piece of pieces) {
      parts.push(node.data.slice(done, piece.begin));
      const made = make(piece.index);
      made.append(node.data.slice(piece.begin, piece.end));
      found[piece.index].push(made);
      parts.push(made);
      done = piece.end;
    }
    parts.push(node.data.slice(done));
    node.replaceWith(...parts.filter((part) => part !== ""));
  }
  return found;
}

// The words of a block with their boxes: as they were measured, or those that the model itself placed.
export function wordsOf(block) {
  if (block.lines?.length) return block.lines.flatMap((line) => line.words);
  if (!block.spans?.length) return [];
  const bytes = new TextEncoder().encode(block.text);
  const decoder = new TextDecoder();
  return block.spans.map((span) => ({text: decoder.decode(bytes.slice(span.begin, span.end)), box: span.boxes[0]}))
    .filter((word) => word.box);
}

export const doubtful = 0.8;
export const veryDoubtful = 0.5;

// Marks a word whose confidence is low, for eyes and for screen readers; what is said is not copied with the text.
export function markDoubt(pieces, confidence, words) {
  for (const piece of pieces) piece.classList.add("doubt", ...(confidence < veryDoubtful ? ["strong-doubt"] : []));
  const last = pieces.at(-1);
  last.title = words;
  last.append(element("span", {class: "sr"}, ` (${words})`));
}
