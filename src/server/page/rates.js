// How fast a document is read, and how long the rest will take.

const windowMs = 10000;  // of text that tells the speed of now
const settleMs = 400;    // in which a stream brings what was there before it began

export class Rates {
  #pieces = [];  // {at, letters} of the last seconds
  #from = 0;     // when they count
  pages = 0;     // of which tokens and letters are known
  #tokens = 0;   // of finished pages that were fetched
  #letters = 0;  // of the same pages

  // A stream begins.
  begin(now = performance.now()) {
    this.#pieces = [];
    this.#from = now + settleMs;
  }

  text(letters, now = performance.now()) {
    if (now >= this.#from) this.#pieces.push({at: now, letters});
  }

  page(page) {
    if (!page.tokens?.text || !page.raw) return;
    ++this.pages;
    this.#tokens += page.tokens.text;
    this.#letters += page.raw.length;
  }

  // {tokens} or {letters}, a second, as the text comes in now; {} where none did. Events bring text; how many tokens it
  // has is known from the pages that are finished.
  speed(now = performance.now()) {
    while (this.#pieces.length && now - this.#pieces[0].at > windowMs) this.#pieces.shift();
    if (this.#pieces.length < 2) return {};
    const seconds = (now - this.#pieces[0].at) / 1000;
    const letters = this.#pieces.reduce((sum, piece) => sum + piece.letters, 0) / Math.max(seconds, 0.5);
    return this.#letters > 0 ? {tokens: letters * this.#tokens / this.#letters} : {letters};
  }

  // Seconds left, or 0 where nothing can be said yet.
  left(job, now = Date.now()) {
    if (job.status !== "running" || !job.pages || !job.done || !job.started) return 0;
    return Math.max(1, (now / 1000 - job.started) / job.done * (job.pages - job.done));
  }
}
