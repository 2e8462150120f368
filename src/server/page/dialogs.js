// The server's key, the list of keys of the keyboard, and the question before something is deleted.

import * as api from "./api.js";
import {byId, element} from "./dom.js";
import {texts} from "./texts.js";

// Shows a dialog; comes back with its return value when it is closed.
function shown(dialog) {
  return new Promise((resolve) => {
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(dialog.returnValue), {once: true});
    dialog.showModal();
  });
}

let asked = null;

async function askForKey(words) {
  byId("key-error").textContent = words;
  byId("key-error").hidden = words === "";
  byId("key-input").value = "";
  byId("key-forget").hidden = !api.hasKey();
  byId("key-button").hidden = false;
  return await shown(byId("key-dialog")) === "use";
}

// `changed()` is called when another key was given by hand.
export function startKeyDialog(changed) {
  const dialog = byId("key-dialog");
  // Requests that fail together ask once.
  api.onKeyNeeded((words) => asked ??= askForKey(words).finally(() => { asked = null; }));
  byId("key-button").hidden = !api.hasKey();
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const key = byId("key-input").value.trim();
    if (!key) return byId("key-input").focus();
    api.setKey(key);
    byId("key-button").hidden = false;
    dialog.close("use");
  });
  byId("key-cancel").addEventListener("click", () => dialog.close(""));
  byId("key-forget").addEventListener("click", () => {
    api.setKey("");
    dialog.close("");
  });
  byId("key-button").addEventListener("click", async () => {
    asked ??= askForKey("").finally(() => { asked = null; });
    if (await asked) changed();
  });
}

export async function askToRemove(name) {
  byId("remove-title").textContent = texts.removeTitle(name);
  return await shown(byId("remove-dialog")) === "yes";
}

export function startHelp() {
  byId("help-keys").append(...texts.helpKeys.map(([keys, words]) =>
    element("div", {}, element("dt", {}, element("kbd", {}, keys)), element("dd", {}, words))));
  byId("help-button").addEventListener("click", showHelp);
}

export function showHelp() {
  if (!byId("help-dialog").open) byId("help-dialog").showModal();
}
