// Takes files: dropped, pasted, chosen, photographed; with the options that they are read with.

import {alertUser, byId, element, store, stored} from "./dom.js";
import {texts} from "./texts.js";

const optionsKey = "lectern.options";
const own = " own";  // no prompt's name

// What a file is the server finds out; a browser may know no type for it.
const taken = (file) =>
  /^image\/|^application\/pdf$/.test(file.type) || /\.(pdf|png|jpe?g|tiff?|webp|gif|hei[cf]|avif)$/i.test(file.name);

function fill(select, names, words) {
  const before = select.value;
  select.replaceChildren(...names.map((name) => element("option", {value: name}, words(name))));
  if (names.includes(before)) select.value = before;
}

const isLocate = (name) => name.startsWith("locate");

export class Intake {
  #models = [];
  #send;

  // `send(file, name, fields)` takes each file.
  constructor(send) {
    this.#send = send;
    for (const id of ["files", "camera"]) {
      byId(id).addEventListener("change", (event) => {
        this.take(event.target.files);
        event.target.value = "";  // the same file can be chosen again
      });
    }
    byId("model").addEventListener("change", () => this.#showModel());
    byId("prompt").addEventListener("change", () => this.#showWords(true));
    byId("options").addEventListener("change", () => this.#remember());
    byId("options").addEventListener("submit", (event) => event.preventDefault());
    this.#listenToDrops();
    document.addEventListener("paste", (event) => {
      const files = event.clipboardData?.files ?? [];
      if (files.length) {
        event.preventDefault();
        this.take(files);
      }
    });
  }

  setModels(models) {
    this.#models = models;
    fill(byId("model"), models.map((model) => model.id), (name) => name);
    byId("model-field").hidden = models.length < 2;
    const last = stored("localStorage", optionsKey, {});
    if (models.some((model) => model.id === last.model)) byId("model").value = last.model;
    this.#showModel();
    for (const id of ["prompt", "mode"]) {
      if ([...byId(id).options].some((option) => option.value === last[id])) byId(id).value = last[id];
    }
    this.#showWords(false);
  }

  #showModel() {
    const model = this.#models.find(({id}) => id === byId("model").value);
    const modes = model?.lectern?.modes ?? [];
    const prompts = [...model?.lectern?.prompts ?? []];
    if (!prompts.length) prompts.push("");  // the server says none: its default
    const names = [...new Set(prompts.map((name) => isLocate(name) ? "locate" : name))];
    // That with places first: the page shows them.
    names.sort((a, b) => (b === "markdown") - (a === "markdown"));
    fill(byId("prompt"), [...names, own], (name) => name === own ? texts.ownPrompt : texts.prompts[name] ?? name);
    fill(byId("mode"), modes, (name) => texts.modes[name] ?? name);
    byId("mode-field").hidden = modes.length < 2;
    this.#showWords(false);
  }

  #needsWords() {
    return byId("prompt").value === own || isLocate(byId("prompt").value);
  }

  #showWords(focus) {
    byId("words-field").hidden = !this.#needsWords();
    byId("words-name").textContent = byId("prompt").value === own ? texts.ownPromptLabel : texts.locateLabel;
    if (focus && this.#needsWords()) byId("words").focus();
  }

  #remember() {
    store("localStorage", optionsKey, {model: byId("model").value, prompt: byId("prompt").value, mode: byId("mode").value});
  }

  #listenToDrops() {
    let depth = 0;
    const hasFiles = (event) => [...event.dataTransfer?.types ?? []].includes("Files");
    const show = () => document.body.classList.toggle("dropping", depth > 0);
    document.addEventListener("dragenter", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      ++depth;
      show();
    });
    document.addEventListener("dragleave", (event) => {
      if (!hasFiles(event)) return;
      depth = Math.max(0, depth - 1);
      show();
    });
    document.addEventListener("dragover", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
    });
    document.addEventListener("drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth = 0;
      show();
      this.take(event.dataTransfer.files);
    });
  }

  // Null where words are missing.
  #fields() {
    const fields = {};
    const set = (name, value) => {
      if (value !== "") fields[name] = value;
    };
    set("model", byId("model").value);
    set("mode", byId("mode").value);
    let prompt = byId("prompt").value;
    if (this.#needsWords()) {
      const words = byId("words").value.trim();
      if (!words) return null;
      prompt = prompt === own ? words : `locate:${words}`;
    }
    set("prompt", prompt);
    set("pages", byId("pages").value.trim());
    set("password", byId("password").value);
    if (byId("orient").checked) set("orient", "auto");
    set("max_tokens", byId("max-tokens").value.trim());
    set("temperature", byId("temperature").value.trim());
    return fields;
  }

  take(files) {
    const good = [...files].filter(taken);
    if (!good.length) return alertUser(texts.noFiles);
    const fields = this.#fields();
    if (!fields) {
      alertUser(texts.wordsMissing);
      return byId("words").focus();
    }
    // A pasted picture is called image.png by every browser.
    for (const file of good) this.#send(file, file.name || `${texts.pastedName}.${file.type.split("/")[1]}`, fields);
  }
}
