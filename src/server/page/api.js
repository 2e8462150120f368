// The server's interface (docs/server.md). Every call throws ApiError with the server's own words.

import {store, stored} from "./dom.js";
import {EventParser} from "./event_parser.js";
import {texts} from "./texts.js";

export class ApiError extends Error {
  constructor(message, status = 0, retryAfter = 0) {
    super(message);
    this.status = status;          // 0: the server was not reached
    this.retryAfter = retryAfter;  // seconds
  }
}

let key = stored("sessionStorage", "lectern.key", "");
let askForKey = async () => false;

export const hasKey = () => key !== "";
export function setKey(value) {
  key = value;
  store("sessionStorage", "lectern.key", value || undefined);
}
// `ask(words)` shows what the server said, and comes back with whether there is a key to try.
export function onKeyNeeded(ask) {
  askForKey = ask;
}

function errorOf(status, body, retryAfter) {
  let message = "";
  try {
    message = JSON.parse(body).error.message;
  } catch {
    // Of something before the server, perhaps a proxy.
  }
  return new ApiError(message || texts.badAnswer(status), status, Number(retryAfter) || 0);
}

const withKey = (headers) => key ? {...headers, Authorization: `Bearer ${key}`} : headers;

async function request(method, path, {headers = {}, signal} = {}) {
  for (;;) {
    const tried = key;
    let response;
    try {
      response = await fetch(path, {method, headers: withKey(headers), signal, cache: "no-store"});
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError(texts.unreachable);
    }
    if (response.ok) return response;
    const error = errorOf(response.status, await response.text(), response.headers.get("Retry-After"));
    if (error.status !== 401) throw error;
    if (key === tried && !await askForKey(tried ? error.message : "")) throw error;
  }
}

const json = async (...all) => (await request(...all)).json();
const documents = "/v1/documents";
const one = (id) => `${documents}/${encodeURIComponent(id)}`;

export const models = async () => (await json("GET", "/v1/models")).data;
export const list = async () => (await json("GET", documents)).data;
export const job = (id) => json("GET", one(id));
export const remove = (id) => json("DELETE", one(id));
export const cancel = (id) => json("POST", `${one(id)}/cancel`);
export const page = (id, number) => json("GET", `${one(id)}/pages/${number}`);
export const picture = async (id, number, width, signal) =>
  (await request("GET", `${one(id)}/pages/${number}/picture?width=${width}`, {signal})).blob();

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;  // it is no text of the server's
  }
}

// {blob, name, warnings}: the file, its name as the server gives it, and what could not be written as asked.
export async function result(id, format) {
  const response = await request("GET", `${one(id)}/result?format=${format}`);
  const disposition = response.headers.get("Content-Disposition") ?? "";
  const coded = /filename\*=UTF-8''([^;]+)/i.exec(disposition)?.[1];
  const plain = /filename="((?:[^"\\]|\\.)*)"/i.exec(disposition)?.[1]?.replace(/\\(.)/g, "$1");
  const name = (coded && decoded(coded)) ?? plain ?? "";
  return {blob: await response.blob(), name, warnings: decoded(response.headers.get("X-Lectern-Warnings") ?? "")};
}

// Sends a file; fetch does not tell how much of it is on its way. A second try under the same `once` makes no second
// document. Returns {promise, abort}.
export function upload(file, name, fields, once, progress) {
  const form = new FormData();
  for (const [field, value] of Object.entries(fields)) form.append(field, value);
  form.append("file", file, name);
  let current = null;
  let aborted = false;
  const send = () => new Promise((resolve, reject) => {
    const http = current = new XMLHttpRequest();
    http.open("POST", documents);
    for (const [name, value] of Object.entries(withKey({"Idempotency-Key": once}))) http.setRequestHeader(name, value);
    http.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) progress(event.loaded / event.total);
    });
    http.addEventListener("error", () => reject(new ApiError(texts.unreachable)));
    http.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
    http.addEventListener("load", () => {
      try {
        if (http.status < 300) return resolve(JSON.parse(http.responseText));
      } catch {
        // Not the server's answer.
      }
      reject(errorOf(http.status, http.responseText, http.getResponseHeader("Retry-After")));
    });
    http.send(form);
  });
  const promise = (async () => {
    for (;;) {
      const tried = key;
      try {
        return await send();
      } catch (error) {
        if (aborted || error.status !== 401) throw error;
        if (key === tried && !await askForKey(tried ? error.message : "")) throw error;
      }
    }
  })();
  return {
    promise,
    abort: () => {
      aborted = true;
      current?.abort();
    },
  };
}

// Follows a document until its last event; calls `take({type, data, id})`, and with type "open" whenever a connection
// begins. `last` is the id of the last event that is known, or undefined. Broken connections are taken up again where they
// broke off; `broken()` is told of them.
export async function follow(id, last, signal, take, broken) {
  let failures = 0;
  while (!signal.aborted) {
    try {
      const headers = last === undefined ? {} : {"Last-Event-ID": last};
      const response = await request("GET", `${one(id)}/events`, {headers, signal});
      take({type: "open"});
      const parser = new EventParser();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const {value, done} = await reader.read();
        if (done) break;
        for (const event of parser.push(value)) {
          failures = 0;
          if (event.id !== undefined) last = event.id;
          take({type: event.type, data: JSON.parse(event.data), id: event.id});
          if (event.type === "end") return;
        }
      }
    } catch (error) {
      if (error.name === "AbortError" || signal.aborted) return;
      if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429) throw error;
    }
    if (signal.aborted) return;
    failures += 1;
    if (failures > 1) broken();
    const wait = Math.min(15000, 500 * 2 ** failures);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, wait);
      signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, {once: true});
    });
  }
}
