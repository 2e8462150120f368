// What leaves the page: the clipboard and files.

import * as api from "./api.js";
import {alertUser, announce, byId, element} from "./dom.js";
import {texts} from "./texts.js";

const formats = ["md", "txt", "pdf", "html", "hocr", "json", "zip"];

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return alertUser(texts.copied);
  } catch {
    // Only pages that came over TLS, or from this machine, have the clipboard.
  }
  const area = element("textarea", {class: "sr", readonly: true, "aria-hidden": "true"});
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  alertUser(done ? texts.copied : texts.copyFailed);
}

async function download(job, format) {
  announce(texts.downloading(texts.formats[format]));
  try {
    const {blob, name, warnings} = await api.result(job.id, format);
    const link = element("a", {href: URL.createObjectURL(blob),
      download: name || `${job.name.replace(/\.[^.]*$/, "") || "document"}.${format}`});
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    if (warnings) alertUser(texts.downloadedWith(link.download, warnings));
    else announce(texts.downloaded(link.download));
  } catch (error) {
    alertUser(error.message);
  }
}

// `current()` gives the job that is shown.
export function startDownloads(current) {
  const menu = byId("download");
  const close = (focus) => {
    if (!menu.open) return;
    menu.open = false;
    if (focus) menu.querySelector("summary").focus();
  };
  const start = (format) => {
    close(true);
    download(current(), format);
  };
  byId("download-list").append(...formats.map((format) => element("li", {},
    element("button", {type: "button", "data-format": format, onclick: () => start(format)},
      element("span", {}, texts.formats[format]), element("code", {}, format)))));
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) close(false);
  });
  menu.addEventListener("keydown", (event) => {
    const buttons = [...menu.querySelectorAll("button")];
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (event.key === "Escape") {
      event.stopPropagation();
      close(true);
    } else if (step) {
      event.preventDefault();
      menu.open = true;
      const at = buttons.indexOf(document.activeElement);
      buttons[(at < 0 ? (step > 0 ? 0 : -1) : at + step + buttons.length) % buttons.length]?.focus();
    }
  });
}

export function showDownloads(open) {
  const menu = byId("download");
  menu.hidden = !open;
  if (!open) menu.open = false;
}
