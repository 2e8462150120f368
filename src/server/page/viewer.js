// One document: its page's picture and text side by side, while it is read and after.

import * as api from "./api.js";
import {alertUser, announce, byId, element, setText} from "./dom.js";
import {nameOf} from "./document_list.js";
import {ended, numbersOf, pageOf} from "./documents.js";
import {copy, showDownloads, startDownloads} from "./export.js";
import {Links} from "./links.js";
import {PageText} from "./page_text.js";
import {Picture} from "./picture.js";
import {texts} from "./texts.js";
import {wordsOf} from "./words.js";

const views = ["rendered", "markdown", "json", "raw"];

export class Viewer {
  #documents;
  #entry = null;
  #number = 1;
  #view = "rendered";
  #follows = true;  // the page that is read
  #links = new Links();
  #picture = new Picture(this.#links);
  #text = new PageText(byId("panel"), this.#links);
  #shownState = "";  // of which page and view the panel tells
  #ticking = null;
  #moved;

  // `moved(entry, number)` is told of the page that is shown.
  constructor(documents, moved) {
    this.#documents = documents;
    this.#moved = moved;
    this.#links.listen(byId("panel"), "text");
    this.#links.listen(byId("boxes"), "picture");
    this.#makeTabs();
    startDownloads(() => this.#entry.job);
    byId("previous-page").addEventListener("click", () => this.turn(-1));
    byId("next-page").addEventListener("click", () => this.turn(1));
    byId("page-number").addEventListener("change", (event) => {
      this.#goTo(Number(event.target.value) || 1, false);
      event.target.value = String(this.#number);
    });
    byId("follow").addEventListener("click", () => this.#follow());
    byId("previous-doubt").addEventListener("click", () => this.#text.walkDoubts(-1));
    byId("next-doubt").addEventListener("click", () => this.#text.walkDoubts(1));
    byId("mark-doubts").addEventListener("change",
      (event) => byId("panel").classList.toggle("no-doubts", !event.target.checked));
    byId("copy").addEventListener("click", () => this.copy());
    byId("stop").addEventListener("click", () => this.#stop());
    documents.addEventListener("change", ({detail}) => { if (detail === this.#entry) this.#jobChanged(); });
    documents.addEventListener("end", ({detail}) => this.#end(detail));
    documents.addEventListener("page", ({detail}) => { if (detail.entry === this.#entry) this.#pageChanged(detail.number); });
    documents.addEventListener("text", ({detail}) => { if (detail.entry === this.#entry) this.#textCame(detail.number); });
  }

  get entry() {
    return this.#entry;
  }

  open(entry, number) {
    if (entry === this.#entry && number === this.#number) return;
    const same = entry === this.#entry;
    this.#entry = entry;
    this.#follows = number === null;
    setText(byId("viewer-title"), nameOf(entry));
    byId("viewer-title").title = nameOf(entry);
    this.#documents.follow(entry);
    clearInterval(this.#ticking);
    this.#ticking = setInterval(() => this.#showFacts(), 1000);
    this.#goTo(number ?? this.#readingPage() ?? 1, this.#follows);
    if (!same) {
      byId("viewer-title").focus({preventScroll: true});
      scrollTo({top: 0});
      announce(texts.announceOpen(nameOf(entry)));
    }
  }

  close() {
    this.#entry = null;
    clearInterval(this.#ticking);
    this.#documents.follow(null);
    this.#picture.clear("");
    document.title = texts.name;
  }

  #readingPage() {
    for (const [number, page] of this.#entry.pages) if (page.state === "reading") return number;
    return undefined;
  }

  #follow() {
    this.#follows = true;
    this.#goTo(this.#readingPage() ?? this.#number, true);
  }

  turn(step) {
    if (!this.#entry) return;
    const numbers = numbersOf(this.#entry.job);
    const next = numbers[numbers.indexOf(this.#number) + step];
    if (next) this.#goTo(next, false);
  }

  #goTo(number, follows) {
    const numbers = numbersOf(this.#entry.job);
    this.#follows = follows;
    this.#number = numbers.length ? numbers.findLast((known) => known <= number) ?? numbers[0] : Math.max(1, number);
    this.#moved(this.#entry, this.#number);
    this.#showFacts();
    this.#shownState = "";
    this.#showPage();
  }

  #running() {
    return !ended(this.#entry.job);
  }

  // It ended before its pages were known: there is nothing to look at.
  #unopened() {
    return !this.#running() && !this.#entry.job.pages;
  }

  // Which pages are read is known when the file was opened.
  #jobChanged() {
    const numbers = numbersOf(this.#entry.job);
    if (numbers.length && !numbers.includes(this.#number)) this.#goTo(this.#number, this.#follows);
    else this.#showFacts();
  }

  #showFacts() {
    const {job, rates} = this.#entry;
    const running = this.#running();
    const words = [texts.status[job.status] ?? job.status];
    if (job.status === "running" && job.pages) words.push(texts.pagesDone(job.done, job.pages));
    else if (job.pages) words.push(texts.pageCount(job.pages));
    if (running) {
      const {tokens, letters} = rates.speed();
      if (tokens) words.push(texts.tokenRate(tokens));
      else if (letters) words.push(texts.letterRate(letters));
      const left = rates.left(job);
      if (left) words.push(texts.left(left));
      else if (job.started) words.push(texts.elapsed(Date.now() / 1000 - job.started));
    } else if (job.started && job.finished) {
      words.push(texts.took(job.finished - job.started));
    }
    setText(byId("viewer-facts"), words.join(" · "));
    const progress = byId("viewer-progress");
    progress.hidden = !running;
    progress.setAttribute("aria-label", nameOf(this.#entry));
    progress.max = job.pages ?? 1;
    if (job.pages && job.done) progress.value = job.done;
    else progress.removeAttribute("value");
    byId("viewer-notes").replaceChildren(...job.error ? [element("p", {class: "notice"}, job.error.message)] : []);
    byId("stop").hidden = !running;
    showDownloads(!running && job.done > job.failed_pages);
    const unopened = this.#unopened();
    for (const id of ["toolbar", "pair", "copy"]) byId(id).hidden = unopened;
    document.title = texts.titleWhile(job.done, running ? job.pages : null, nameOf(this.#entry));
    const pages = job.pages ?? 0;
    byId("page-choice").hidden = pages <= 1;
    const numbers = numbersOf(job);
    const at = numbers.indexOf(this.#number);
    const field = byId("page-number");
    if (field !== document.activeElement) field.value = String(this.#number);
    field.max = String(numbers.at(-1) ?? 1);
    setText(byId("page-count"), job.numbers ? texts.placeAmong(at + 1, pages) : texts.ofPages(pages));
    byId("previous-page").disabled = at <= 0;
    byId("next-page").disabled = at < 0 || at === numbers.length - 1;
    byId("follow").hidden = !(running && !this.#follows && pages > 1);
  }

  #showPage() {
    if (this.#unopened()) return;
    const entry = this.#entry;
    const number = this.#number;
    const page = pageOf(entry, number);
    const running = this.#running();
    // While it is read, events say when there is something to fetch.
    const there = !running || page.state === "done" || page.state === "failed";
    if (!page.data && !page.asked && there) this.#documents.fetchPage(entry, number);
    if (there || page.state === "reading") {
      this.#picture.show(`${entry.job.id}/${number}`, texts.pictureAlt(number, nameOf(entry)),
        (width, signal) => api.picture(entry.job.id, number, width, signal));
    } else {
      this.#picture.clear(texts.pictureWaits);
    }
    const state = `${entry.job.id}/${number}/${page.data ? "data" : page.state}/${this.#view}`;
    if (state === this.#shownState && !page.live) return;
    const changed = state !== this.#shownState;
    this.#shownState = state;
    byId("copy").disabled = !page.data;
    if (page.data) return this.#showDone(page.data);
    if (changed) {
      this.#links.clear();
      this.#picture.showBoxes(null, wordsOf);
      byId("doubts").hidden = true;
      setText(byId("page-facts"), "");
    }
    if (page.live) this.#text.showLive(page.live);
    else this.#text.showNote(page.error?.message ?? this.#words(page, running));
  }

  // Of a page without text.
  #words(page, running) {
    if (!running && !page.fetching) return texts.pageStates.unread;
    if (page.state === "reading" && page.expected) return texts.pageStates.expected(page.expected);
    return texts.pageStates[page.state];
  }

  async #showDone(data) {
    const {page} = data;
    this.#links.clear();
    this.#picture.showBoxes(page, wordsOf);
    setText(byId("page-facts"), "");
    if (this.#view === "rendered") {
      await this.#text.showRendered(page, data.markdown,
        (block) => block.boxes[0] ? this.#picture.cut(page, block.boxes[0]) : null);
      if (!this.#entry || pageOf(this.#entry, this.#number).data !== data) return;
    } else {
      this.#text.showSource(this.#source(data));
    }
    const doubts = this.#view === "rendered" ? this.#text.doubts : 0;
    byId("doubts").hidden = doubts === 0;
    setText(byId("doubt-count"), texts.doubtCount(doubts));
    const facts = byId("page-facts");
    facts.replaceChildren(texts.pageFacts(page));
    const warnings = page.warnings ?? [];
    if (warnings.length) {
      facts.append(element("details", {class: "warnings"}, element("summary", {}, texts.warningsTitle(warnings.length)),
        element("ul", {}, ...warnings.map((warning) => element("li", {}, warning.message)))));
    }
  }

  #source(data) {
    if (this.#view === "json") return JSON.stringify(data.page, null, 2);
    if (this.#view === "raw") return data.page.raw ?? "";
    return data.markdown ?? "";
  }

  #pageChanged(number) {
    const page = pageOf(this.#entry, number);
    if (page.state === "reading" && this.#follows && number !== this.#number) {
      const shown = pageOf(this.#entry, this.#number);
      if (shown.state !== "reading" && !shown.fetching) this.#goTo(number, true);
    }
    if (page.state === "done" && !page.announced) {
      page.announced = true;
      announce(texts.announcePage(number, this.#entry.job.pages));
    }
    if (number === this.#number) this.#showPage();
  }

  #textCame(number) {
    if (number === this.#number) {
      this.#showPage();
    } else if (this.#follows && pageOf(this.#entry, this.#number).state !== "reading") {
      this.#goTo(number, true);
    }
  }

  #end(entry) {
    announce(texts.announceEnd(nameOf(entry), entry.job.status));
    if (entry !== this.#entry) return;
    this.#showFacts();
    for (const page of entry.pages.values()) page.asked = false;
    this.#showPage();
  }

  async #stop() {
    try {
      await this.#documents.cancel(this.#entry);
    } catch (error) {
      alertUser(error.message);
    }
  }

  copy() {
    const data = this.#entry && pageOf(this.#entry, this.#number).data;
    if (!data) return;
    copy(this.#view === "rendered" ? data.text ?? data.markdown ?? "" : this.#source(data));
  }

  walkDoubts(step) {
    if (this.#entry) this.#text.walkDoubts(step);
  }

  zoom(step) {
    if (this.#entry) this.#picture.zoom(step);
  }

  letGo() {
    this.#links.keep(null);
  }

  showView(view) {
    if (!views.includes(view)) return;
    this.#view = view;
    for (const tab of byId("tabs").children) {
      const chosen = tab.id === `tab-${view}`;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
    }
    byId("panel").setAttribute("aria-labelledby", `tab-${view}`);
    if (this.#entry) this.#showPage();
  }

  showViewAt(index) {
    this.showView(views[index]);
  }

  #makeTabs() {
    byId("tabs").append(...views.map((view) => element("button", {type: "button", role: "tab", id: `tab-${view}`,
      "aria-controls": "panel", onclick: () => this.showView(view)}, texts.viewNames[view])));
    byId("tabs").addEventListener("keydown", (event) => {
      const step = {ArrowRight: 1, ArrowLeft: -1, Home: -views.length, End: views.length}[event.key];
      if (!step) return;
      event.preventDefault();
      const at = views.indexOf(this.#view) + step;
      const last = views.length - 1;
      this.showView(views[Math.abs(step) === 1 ? (at + views.length) % views.length : Math.min(Math.max(0, at), last)]);
      byId(`tab-${this.#view}`).focus();
    });
    this.showView("rendered");
  }
}
