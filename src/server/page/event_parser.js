// Server-sent events out of a stream of text, as the HTML standard reads them.

export class EventParser {
  #rest = "";
  #type = "";
  #data = [];
  #id;

  // Takes a piece; returns the events that it completes: {type, data, id}.
  push(piece) {
    const events = [];
    this.#rest += piece;
    for (;;) {
      const match = /\r\n|\n|\r(?=[^])/.exec(this.#rest);  // a last "\r" may be half of "\r\n"
      if (!match) return events;
      this.#line(this.#rest.slice(0, match.index), events);
      this.#rest = this.#rest.slice(match.index + match[0].length);
    }
  }

  #line(line, events) {
    if (line === "") {
      if (this.#data.length) events.push({type: this.#type || "message", data: this.#data.join("\n"), id: this.#id});
      this.#type = "";
      this.#data = [];
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#type = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id") this.#id = value;
  }
}
