// The list of documents: what each is at, and what can be done with it.

import {byId, element, setText} from "./dom.js";
import {texts} from "./texts.js";

export const nameOf = (entry) => entry.job.name || texts.unnamed;

export class DocumentList {
  #documents;
  #rows = new Map();  // entry -> {row, ...}
  #remove;

  // `remove(entry)` asks and deletes.
  constructor(documents, remove) {
    this.#documents = documents;
    this.#remove = remove;
    documents.addEventListener("list", () => this.#showAll());
    documents.addEventListener("change", (event) => this.#show(event.detail));
    documents.addEventListener("sent", (event) => this.#show(event.detail));
  }

  #make(entry) {
    const link = element("a", {class: "document-name clamped", dir: "auto"}, nameOf(entry));
    const facts = element("p", {class: "facts"});
    const progress = element("progress", {max: "1", "aria-label": nameOf(entry)});
    const again = element("button", {type: "button", onclick: () => this.#documents.retry(entry)}, texts.retryUpload);
    const remove = element("button", {type: "button", class: "quiet remove", onclick: () => this.#remove(entry)}, "×");
    const row = element("li", {}, element("div", {class: "document-words"}, link, facts, progress, again), remove);
    return {row, link, facts, progress, again, remove};
  }

  #showAll() {
    const entries = this.#documents.entries;
    for (const [entry, {row}] of this.#rows) {
      if (entries.includes(entry)) continue;
      row.remove();
      this.#rows.delete(entry);
    }
    const list = byId("document-list");
    entries.forEach((entry, index) => {
      if (!this.#rows.has(entry)) this.#rows.set(entry, this.#make(entry));
      const {row} = this.#rows.get(entry);
      if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
      this.#show(entry);
    });
    byId("documents").hidden = entries.length === 0;
  }

  #show(entry) {
    const made = this.#rows.get(entry);
    if (!made) return;
    const {job, upload, error} = entry;
    const name = nameOf(entry);
    setText(made.link, name);
    made.link.title = name;
    if (job.id) made.link.href = `#${job.id}`;
    else made.link.removeAttribute("href");
    const words = error || job.error?.message ||
      (upload && job.status === "sending" ? texts.sent(upload.part) : texts.listFacts(job, {left: entry.rates.left(job)}));
    setText(made.facts, words);
    made.row.classList.toggle("failed", job.status === "failed");
    made.again.hidden = !(upload && error);
    made.remove.setAttribute("aria-label", upload ? texts.cancelUpload(name) : texts.removeDocument(name));
    const {progress} = made;
    progress.hidden = !["sending", "running"].includes(job.status);
    if (job.status === "sending") progress.value = upload.part;
    else if (job.pages && job.done) progress.value = job.done / job.pages;
    else progress.removeAttribute("value");
  }

  markOpen(entry) {
    for (const [other, {link}] of this.#rows) {
      if (other === entry) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }
}
