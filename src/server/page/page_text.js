// One page's text in the four views. Blocks can be walked through with the arrow keys, and so can a block's words.

import {element} from "./dom.js";
import {renderMarkdown} from "./markdown.js";
import {texts} from "./texts.js";
import {doubtful, markDoubt, wordsOf, wrapWords} from "./words.js";

const figures = new Set(["image", "figure", "chart", "picture"]);

export class PageText {
  #panel;
  #links;
  #doubts = [];  // the last element of each doubtful word, in the order of the text
  #doubt = -1;
  #live = null;

  constructor(panel, links) {
    this.#panel = panel;
    this.#links = links;
    panel.addEventListener("keydown", (event) => this.#walk(event));
    panel.addEventListener("focusin", (event) => this.#enter(event.target));
    new ResizeObserver(() => this.#fitWide()).observe(panel);
  }

  get doubts() {
    return this.#doubts.length;
  }

  #reset() {
    this.#doubts = [];
    this.#doubt = -1;
    this.#live = null;
    this.#panel.replaceChildren();
    this.#panel.removeAttribute("aria-busy");
  }

  showNote(text) {
    this.#reset();
    this.#panel.append(element("p", {class: "note"}, text));
  }

  // Text while it is read; the caller says when it begins anew.
  showLive(text) {
    if (!this.#live) {
      this.#reset();
      this.#panel.setAttribute("aria-busy", "true");
      this.#live = document.createTextNode("");
      this.#panel.append(element("p", {class: "live", dir: "auto"}, this.#live, element("span", {class: "caret"})));
    }
    const caret = this.#live.nextElementSibling;
    const {top} = caret.getBoundingClientRect();
    const watched = top >= 0 && top < innerHeight;
    const before = this.#live.data;
    if (text.startsWith(before)) this.#live.appendData(text.slice(before.length));
    else this.#live.data = text;
    if (watched) caret.scrollIntoView({block: "nearest"});  // whoever has scrolled away is left there
  }

  showSource(text) {
    this.#reset();
    this.#panel.append(element("pre", {class: "source", dir: "auto"}, text));
  }

  // Blocks as they read; `figure(block)` gives an element for a block without text, or null. `page` as in
  // lectern-document/1, `markdown` for pages without blocks.
  async showRendered(page, markdown, figure) {
    this.#reset();
    const panel = this.#panel;
    if (page.blank) return this.showNote(texts.pageStates.blank);
    const blocks = page.blocks?.length ? page.blocks : [{label: "", boxes: [], text: markdown ?? ""}];
    if (!blocks.some((block) => block.text.trim() || block.boxes.length)) return this.showNote(texts.pageStates.nothing);
    const env = {};
    const waits = [];
    blocks.forEach((block, index) => {
      const body = element("div", {class: "block", dir: "auto", tabindex: index === 0 ? "0" : "-1", role: "group",
        "aria-label": texts.blockName(block.label, index + 1, blocks.length)});
      body.dataset.label = block.label;
      panel.append(body);
      this.#links.add(String(index), "text", body);
      if (!block.text.trim()) {
        body.append(figures.has(block.label) && figure(block) || element("p", {class: "note"}, block.label || texts.figure));
        return;
      }
      waits.push(renderMarkdown(body, block.text, env).then(() => this.#addWords(body, block, index)));
    });
    await Promise.all(waits);
    if (!panel.contains(panel.querySelector(".block"))) return;  // another page came
    this.#doubts = [...panel.querySelectorAll(".doubt:has(> .sr)")];
    this.#fitWide();
  }

  #addWords(body, block, index) {
    const words = wordsOf(block);
    const pieces = wrapWords(body, words, () => element("span", {class: "word", tabindex: "-1"}));
    let placed = 0;
    pieces.forEach((spans, word) => {
      if (!spans.length) return;
      ++placed;
      this.#links.add(`${index}.${word}`, "text", ...spans);
      const {confidence} = words[word];
      if (confidence !== undefined && confidence < doubtful) markDoubt(spans, confidence, texts.doubt(confidence));
    });
    if (placed === 0 && block.confidence !== undefined && block.confidence < doubtful) {
      const words_ = texts.doubt(block.confidence);
      body.classList.add("doubtful-block");
      body.append(element("p", {class: "small"}, words_));
    }
  }

  // What is wider than its place is scrolled by keyboard as well.
  #fitWide() {
    for (const scroll of this.#panel.querySelectorAll(".scroll, .formula.display")) {
      if (scroll.scrollWidth > scroll.clientWidth) scroll.tabIndex = 0;
      else scroll.removeAttribute("tabindex");
    }
  }

  // To the next doubtful word (step 1) or the one before (-1).
  walkDoubts(step) {
    if (!this.#doubts.length) return;
    this.#doubt = (this.#doubt + step + this.#doubts.length) % this.#doubts.length;
    if (this.#doubt < 0) this.#doubt = this.#doubts.length - 1;
    this.#focus(this.#doubts[this.#doubt]);
  }

  focusLink(id) {
    const found = this.#panel.querySelector(`[data-link="${CSS.escape(id)}"]`);
    if (found) this.#enter(found);
  }

  #focus(node) {
    node.focus({focusVisible: true});
  }

  // The tab key comes back to the block where one was.
  #enter(node) {
    const block = node.closest(".block");
    if (!block) return;
    this.#panel.querySelector('.block[tabindex="0"]')?.setAttribute("tabindex", "-1");
    block.tabIndex = 0;
  }

  #walk(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const block = event.target.closest(".block");
    if (!block || event.target.matches(".scroll, .formula.display")) return;
    const step = {ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (!step) return;
    let next;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const blocks = [...this.#panel.querySelectorAll(".block")];
      next = blocks[blocks.indexOf(block) + step];
    } else {
      const words = [...block.querySelectorAll(".word")];
      const at = words.indexOf(event.target.closest(".word"));
      next = words[at < 0 ? (step > 0 ? 0 : words.length - 1) : at + step];
    }
    if (!next) return;
    event.preventDefault();
    this.#focus(next);
  }
}
