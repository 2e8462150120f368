// What belongs together on the picture and in the text: blocks and words by "block" or "block.word". Pointing marks
// both sides for the moment; a click or the keyboard's focus keeps them marked.

import {showNear} from "./dom.js";

export class Links {
  #sides = new Map();  // id -> {text: [elements], picture: [elements]}
  #kept = null;
  #shown = null;

  clear() {
    this.#sides.clear();
    this.#kept = this.#shown = null;
  }

  add(id, side, ...elements) {
    if (!this.#sides.has(id)) this.#sides.set(id, {text: [], picture: []});
    this.#sides.get(id)[side].push(...elements);
    for (const element of elements) element.dataset.link = id;
  }

  get kept() {
    return this.#kept;
  }

  point(id) {
    this.#show(id ?? this.#kept);
  }

  // `toSee`: the side that is brought into view.
  keep(id, toSee) {
    this.#kept = id;
    this.#show(id);
    const element = id === null ? undefined : this.#sides.get(id)?.[toSee]?.[0];
    if (element) showNear(element);
  }

  // Listens to one side.
  listen(root, side) {
    const other = side === "text" ? "picture" : "text";
    const idOf = (event) => event.target.closest?.("[data-link]")?.dataset.link ?? null;
    root.addEventListener("pointerover", (event) => this.point(idOf(event)));
    root.addEventListener("pointerleave", () => this.point(null));
    root.addEventListener("focusin", (event) => {
      if (idOf(event) !== null && event.target.matches(":focus-visible")) this.keep(idOf(event), other);
    });
    root.addEventListener("click", (event) => {
      if (!String(getSelection()).trim()) this.keep(idOf(event), other);
    });
  }

  #mark(id, on) {
    const block = id.split(".")[0];
    for (const part of new Set([id, block])) {
      const sides = this.#sides.get(part);
      for (const element of [...sides?.text ?? [], ...sides?.picture ?? []]) {
        element.classList.toggle(part === id ? "on" : "around", on);
      }
    }
  }

  #show(id) {
    if (id === this.#shown) return;
    if (this.#shown !== null) this.#mark(this.#shown, false);
    this.#shown = id;
    if (id !== null) this.#mark(id, true);
  }
}
