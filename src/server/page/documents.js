// The documents that this browser knows: what the server says of them, and what is on its way there. The document that is
// shown is followed by its events; the others are asked for now and then, since a browser keeps few connections open to
// one server. Changes are told by "change" (detail: the entry), "list", "text" and "page" (detail: {entry, number}).

import * as api from "./api.js";
import {alertUser, store, stored} from "./dom.js";
import {Rates} from "./rates.js";
import {texts} from "./texts.js";

const historyKey = "lectern.documents";
const maxHistory = 200;
const pollMs = 2000;
const maxUploads = 2;

const ratedPages = 3;

export const ended = (job) => ["completed", "failed", "cancelled"].includes(job.status);

// An entry: {job, rates, pages: Map of number to {state, live, data, asked}, upload, lastEvent}. Before the server has it,
// job.id is empty.
function entryOf(job) {
  return {job, rates: new Rates(), pages: new Map(), upload: null, error: ""};
}

// The numbers of the pages that are read, as far as they are known.
export function numbersOf(job) {
  return job.numbers ?? Array.from({length: job.pages ?? 0}, (_, index) => index + 1);
}

export function pageOf(entry, number) {
  if (!entry.pages.has(number)) entry.pages.set(number, {state: "queued", live: "", data: null, asked: false});
  return entry.pages.get(number);
}

export class Documents extends EventTarget {
  entries = [];  // the newest first
  #waiting = [];
  #sending = 0;
  #followed = null;
  #stopFollowing = null;
  #timer = null;

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, {detail}));
  }

  find(id) {
    return this.entries.find((entry) => entry.job.id === id);
  }

  #remember() {
    const ids = this.entries.filter((entry) => entry.job.id && !entry.visiting).map((entry) => entry.job.id);
    store("localStorage", historyKey, ids.slice(0, maxHistory));
  }

  #drop(entry) {
    this.entries = this.entries.filter((other) => other !== entry);
    this.#remember();
    this.#tell("list");
  }

  // What the server lists for the key, and what this browser remembers.
  async load() {
    const known = stored("localStorage", historyKey, []).filter((id) => /^doc_[0-9a-f]{32}$/.test(id));
    const jobs = new Map();
    for (const job of await api.list()) jobs.set(job.id, job);
    for (const id of known) {
      if (jobs.has(id)) continue;
      try {
        jobs.set(id, await api.job(id));
      } catch (error) {
        if (error.status !== 404 && error.status !== 410) throw error;
      }
    }
    for (const job of jobs.values()) if (!this.find(job.id)) this.entries.push(entryOf(job));
    this.entries.sort((a, b) => (b.job.id ? b.job.created : Infinity) - (a.job.id ? a.job.created : Infinity));
    this.#remember();
    this.#tell("list");
    this.#poll();
  }

  // One that this browser did not send, by its address. It is not remembered.
  async visit(id) {
    const entry = entryOf(await api.job(id));
    entry.visiting = true;
    this.entries.unshift(entry);
    this.#tell("list");
    return entry;
  }

  send(file, name, fields) {
    const entry = entryOf({id: "", name, status: "waiting", created: Date.now() / 1000, pages: null, done: 0});
    const once = crypto.getRandomValues(new Uint8Array(16));
    entry.upload = {file, fields, once: [...once].map((byte) => byte.toString(16).padStart(2, "0")).join(""), part: 0};
    this.entries.unshift(entry);
    this.#waiting.push(entry);
    this.#tell("list");
    this.#sendNext();
    return entry;
  }

  retry(entry) {
    entry.error = "";
    entry.job.status = "waiting";
    this.#waiting.push(entry);
    this.#tell("change", entry);
    this.#sendNext();
  }

  async #sendNext() {
    if (this.#sending >= maxUploads || !this.#waiting.length) return;
    const entry = this.#waiting.shift();
    const {upload, job} = entry;
    ++this.#sending;
    job.status = "sending";
    this.#tell("change", entry);
    const sending = api.upload(upload.file, job.name, upload.fields, upload.once, (part) => {
      upload.part = part;
      this.#tell("change", entry);
    });
    upload.abort = sending.abort;
    try {
      entry.job = await sending.promise;
      entry.upload = null;
      const twin = this.entries.find((other) => other !== entry && other.job.id === entry.job.id);
      if (twin) this.entries = this.entries.filter((other) => other !== twin);
      this.#remember();
      this.#tell("sent", entry);
      this.#tell("list");
      this.#poll();
    } catch (error) {
      if (error.name === "AbortError") {
        this.#drop(entry);
      } else {
        job.status = "failed";
        entry.error = error.message;
        this.#tell("change", entry);
      }
    }
    --this.#sending;
    this.#sendNext();
  }

  async cancel(entry) {
    this.#take(entry, await api.cancel(entry.job.id));
  }

  async remove(entry) {
    if (entry.upload) {
      this.#waiting = this.#waiting.filter((other) => other !== entry);
      entry.upload.abort?.();
      return this.#drop(entry);
    }
    try {
      await api.remove(entry.job.id);
    } catch (error) {
      if (error.status !== 404 && error.status !== 410) throw error;
    }
    this.#drop(entry);
  }

  #take(entry, job) {
    const before = entry.job;
    entry.job = job;
    this.#tell("change", entry);
    if (!ended(before) && ended(job)) this.#tell("end", entry);
  }

  #gone(entry) {
    alertUser(texts.gone);
    this.#drop(entry);
  }

  // Asks for what is not followed, one after the other.
  #poll() {
    clearTimeout(this.#timer);
    const open = () => this.entries.filter((entry) => entry.job.id && !ended(entry.job) && entry !== this.#followed);
    if (!open().length) return;
    this.#timer = setTimeout(async () => {
      for (const entry of open()) {
        try {
          this.#take(entry, await api.job(entry.job.id));
        } catch (error) {
          if (error.status === 404 || error.status === 410) this.#gone(entry);
        }
      }
      this.#poll();
    }, document.hidden ? 3 * pollMs : pollMs);
  }

  // What the server has of a page that is read, or will not be any more.
  async fetchPage(entry, number) {
    const page = pageOf(entry, number);
    page.asked = true;
    page.fetching ??= (async () => {
      try {
        const data = await api.page(entry.job.id, number);
        page.state = data.state;
        page.error = data.error;
        page.expected = data.expected;
        if (data.state === "done" && data.page) {
          page.data = data;
          page.live = "";
          entry.rates.page(data.page);
        }
      } catch (error) {
        page.state = "failed";
        page.error = error;
      }
      page.fetching = null;
      this.#tell("page", {entry, number});
    })();
    return page.fetching;
  }

  // Follows this one, and no other; null follows none.
  follow(entry) {
    if (this.#followed === entry) return;
    this.#stopFollowing?.abort();
    this.#followed = null;
    this.#poll();
    if (!entry || !entry.job.id || ended(entry.job)) return;
    this.#followed = entry;
    const stop = this.#stopFollowing = new AbortController();
    if (entry.lastEvent === undefined) {
      for (const page of entry.pages.values()) page.live = "";  // it comes from the beginning
    }
    api.follow(entry.job.id, entry.lastEvent, stop.signal, (event) => this.#event(entry, event),
               () => alertUser(texts.lostStream))
      .catch((error) => {
        if (error.status === 404 || error.status === 410) this.#gone(entry);
        else alertUser(error.message);
      })
      .finally(() => {
        if (this.#followed === entry && this.#stopFollowing === stop) this.#followed = null;
        this.#poll();
      });
  }

  #event(entry, {type, data, id}) {
    if (type === "open") return entry.rates.begin();
    if (id !== undefined) entry.lastEvent = id;
    if (type === "job" || type === "end") return this.#take(entry, data);
    if (type === "page") {
      const page = pageOf(entry, data.number);
      page.state = data.state;
      page.expected = data.expected;
      page.asked = false;
      // Those that nobody looks at stay on the server, but for a few that tell how many tokens a text has.
      if (data.state === "done" && entry.rates.pages < ratedPages) this.fetchPage(entry, data.number);
      this.#tell("page", {entry, number: data.number});
    } else if (type === "text") {
      const page = pageOf(entry, data.number);
      if (data.restart) page.live = "";
      if (page.state === "queued") page.state = "reading";
      if (data.text) {
        page.live += data.text;
        entry.rates.text(data.text.length);
      }
      this.#tell("text", {entry, number: data.number});
    }
  }
}
