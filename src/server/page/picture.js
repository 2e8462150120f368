// The picture of a page, its size, and the boxes of blocks and words over it.

import {byId, element, setText} from "./dom.js";
import {texts} from "./texts.js";

const retryMs = 2000;
const zooms = [1, 1.5, 2, 3, 4];

export class Picture {
  #links;
  #load;
  #loading = null;
  #url = "";
  #shown = "";   // which picture: "id/page"
  #width = 0;    // that it was asked for with
  #zoom = 0;
  #failed = {which: "", at: 0};
  #cuts = [];    // take the picture's address when it changes

  constructor(links) {
    this.#links = links;
    byId("zoom-in").addEventListener("click", () => this.zoom(1));
    byId("zoom-out").addEventListener("click", () => this.zoom(-1));
    byId("zoom-fit").addEventListener("click", () => this.zoom(0));
    byId("hide-picture").addEventListener("click", () => {
      const hidden = byId("pair").classList.toggle("text-alone");
      byId("hide-picture").setAttribute("aria-expanded", String(!hidden));
      setText(byId("hide-picture"), hidden ? texts.showPicture : texts.hidePicture);
    });
    this.zoom(0);
  }

  // step 0: as wide as its place.
  zoom(step) {
    this.#zoom = step === 0 ? 0 : Math.max(0, Math.min(zooms.length - 1, this.#zoom + step));
    byId("sheet").style.width = `${100 * zooms[this.#zoom]}%`;
    byId("zoom-out").disabled = this.#zoom === 0;
    byId("zoom-in").disabled = this.#zoom === zooms.length - 1;
    if (this.#shown && this.#wantedWidth() > this.#width) this.#fetch();
  }

  #wantedWidth() {
    const shown = Math.max(320, byId("picture").clientWidth) * zooms[this.#zoom] * Math.min(3, devicePixelRatio || 1);
    return Math.ceil(shown / 400) * 400;
  }

  // Shows nothing, with words why.
  clear(note) {
    this.#loading?.abort();
    this.#shown = "";
    byId("picture-image").hidden = true;
    byId("boxes").replaceChildren();
    setText(byId("picture-note"), note);
    this.#release();
    this.#cuts = [];
  }

  #release() {
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = "";
  }

  // `load(width, signal)` gives the picture as a blob. The same one is not fetched twice.
  show(which, alt, load) {
    if (this.#shown === which) return;
    if (this.#failed.which === which && performance.now() - this.#failed.at < retryMs) return;
    this.clear("");
    this.#shown = which;
    this.#load = load;
    byId("picture-image").alt = alt;
    byId("picture").scrollTop = 0;
    this.#fetch();
  }

  async #fetch() {
    this.#loading?.abort();
    const loading = this.#loading = new AbortController();
    const which = this.#shown;
    const width = this.#width = this.#wantedWidth();
    try {
      const blob = await this.#load(width, loading.signal);
      if (loading.signal.aborted || which !== this.#shown) return;
      this.#release();
      this.#url = URL.createObjectURL(blob);
      byId("picture-image").src = this.#url;
      byId("picture-image").hidden = false;
      setText(byId("picture-note"), "");
      for (const show of this.#cuts) show(this.#url);
    } catch (error) {
      if (error.name === "AbortError" || which !== this.#shown) return;
      this.#shown = "";
      this.#failed = {which, at: performance.now()};
      setText(byId("picture-note"), error.status === 409 || error.status === 404 ? texts.pictureWaits : error.message);
    }
  }

  // Over the picture; without boxes for pages of which nothing is known yet.
  showBoxes(page, wordsOf) {
    const boxes = byId("boxes");
    boxes.replaceChildren();
    if (!page?.width || !page?.height) return;
    const place = (box, name) => {
      const made = element("div", {class: name});
      const [left, top, right, bottom] = box;
      made.style.left = `${100 * left / page.width}%`;
      made.style.top = `${100 * top / page.height}%`;
      made.style.width = `${100 * (right - left) / page.width}%`;
      made.style.height = `${100 * (bottom - top) / page.height}%`;
      boxes.append(made);
      return made;
    };
    page.blocks?.forEach((block, index) => {
      for (const box of block.boxes) this.#links.add(String(index), "picture", place(box, "box"));
    });
    page.blocks?.forEach((block, index) => {
      wordsOf(block).forEach((word, at) => this.#links.add(`${index}.${at}`, "picture", place(word.box, "word-box")));
    });
  }

  // A part of the page's picture, for a figure.
  cut(page, box) {
    const [left, top, right, bottom] = box;
    const width = right - left;
    const height = bottom - top;
    if (!(width > 0 && height > 0)) return null;
    const image = element("img", {alt: ""});
    image.style.width = `${100 * page.width / width}%`;
    image.style.left = `${-100 * left / width}%`;
    image.style.top = `${-100 * top / height}%`;
    const frame = element("div", {class: "figure", role: "img", "aria-label": texts.figure}, image);
    frame.style.aspectRatio = `${width} / ${height}`;
    frame.style.width = `min(100%, ${Math.round(width)}px)`;
    const show = (url) => { image.src = url; };
    if (this.#url) show(this.#url);
    this.#cuts.push(show);
    return frame;
  }
}
