// Puts the page together. The address after "#" says what is shown: a document's id, and its page.

import * as api from "./api.js";
import {askToRemove, showHelp, startHelp, startKeyDialog} from "./dialogs.js";
import {alertUser, announce, byId, fillTexts, store, stored} from "./dom.js";
import {DocumentList, nameOf} from "./document_list.js";
import {Documents} from "./documents.js";
import {Intake} from "./intake.js";
import {texts} from "./texts.js";
import {startTheme} from "./theme.js";
import {Viewer} from "./viewer.js";

const againMs = 10000;  // where the server did not answer

fillTexts(texts);
startTheme();
startHelp();

const documents = new Documents();
const viewer = new Viewer(documents, (entry, number) => {
  history.replaceState(null, "", `#${entry.job.id}/${number}`);
});

let first = null;  // of the files that came together: it is shown when it is sent
const intake = new Intake((file, name, fields) => {
  const entry = documents.send(file, name, fields);
  first ??= entry;
});

async function remove(entry) {
  if (!entry.upload && !await askToRemove(nameOf(entry))) return;
  try {
    await documents.remove(entry);
    if (viewer.entry === entry) location.hash = "";
  } catch (error) {
    alertUser(error.message);
  }
}
const list = new DocumentList(documents, remove);

documents.addEventListener("sent", (event) => {
  announce(texts.announceSent(nameOf(event.detail)));
  if (event.detail !== first) return;
  first = null;
  location.hash = event.detail.job.id;
});
documents.addEventListener("change", (event) => {
  if (event.detail === first && event.detail.job.status === "failed") first = null;
});
documents.addEventListener("list", () => {
  if (viewer.entry && !documents.entries.includes(viewer.entry)) location.hash = "";
  if (!documents.entries.includes(first)) first = null;
});

async function showAddress() {
  const match = /^#(doc_[0-9a-f]{32})(?:\/(\d{1,6}))?$/.exec(location.hash);
  let entry = match && documents.find(match[1]);
  if (match && !entry) {
    try {
      entry = await documents.visit(match[1]);
    } catch (error) {
      alertUser(error.status === 404 ? texts.gone : error.message);
    }
  }
  document.body.dataset.view = entry ? "document" : "start";
  byId("viewer").hidden = !entry;
  list.markOpen(entry);
  if (entry) {
    viewer.open(entry, match[2] ? Number(match[2]) : null);
  } else {
    viewer.close();
    if (location.hash) history.replaceState(null, "", location.pathname);
  }
}
addEventListener("hashchange", showAddress);

const useKeys = byId("use-keys");
useKeys.checked = stored("localStorage", "lectern.keys", true);
useKeys.addEventListener("change", () => store("localStorage", "lectern.keys", useKeys.checked));

const actions = {
  o: () => byId("files").click(),
  n: () => viewer.turn(1),
  p: () => viewer.turn(-1),
  d: () => viewer.walkDoubts(1),
  D: () => viewer.walkDoubts(-1),
  c: () => viewer.copy(),
  s: () => {
    const menu = byId("download");
    if (!viewer.entry || menu.hidden) return;
    menu.open = true;
    menu.querySelector("button").focus();
  },
  "+": () => viewer.zoom(1),
  "-": () => viewer.zoom(-1),
  0: () => viewer.zoom(0),
  1: () => viewer.showViewAt(0),
  2: () => viewer.showViewAt(1),
  3: () => viewer.showViewAt(2),
  4: () => viewer.showViewAt(3),
  "?": showHelp,
  Escape: () => viewer.letGo(),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.target.matches("input:not([type=checkbox]):not([type=file]), select, textarea")) return;
  if (event.key !== "Escape" && !useKeys.checked) return;
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

async function start() {
  try {
    intake.setModels(await api.models());
    await documents.load();
    await showAddress();
  } catch (error) {
    alertUser(error.message);
    if (error.status === 0 || error.status >= 500) setTimeout(start, againMs);
  }
}
startKeyDialog(start);
document.addEventListener("visibilitychange", () => {
  // A page that nobody sees holds no stream; what it missed comes with the next.
  documents.follow(document.hidden ? null : viewer.entry);
});
start();
