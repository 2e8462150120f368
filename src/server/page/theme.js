// Light, dark, or as the system has it; the choice is kept in this browser.

import {byId, setText, store, stored} from "./dom.js";
import {texts} from "./texts.js";

const choices = ["system", "light", "dark"];

export function startTheme() {
  let chosen = stored("localStorage", "lectern.theme", "system");
  const show = () => {
    if (!choices.includes(chosen)) chosen = "system";
    if (chosen === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    document.querySelector('meta[name="color-scheme"]').content = chosen === "system" ? "light dark" : chosen;
    setText(byId("theme-button"), texts.themes[chosen]);
  };
  byId("theme-button").addEventListener("click", () => {
    chosen = choices[(choices.indexOf(chosen) + 1) % choices.length];
    store("localStorage", "lectern.theme", chosen === "system" ? undefined : chosen);
    show();
  });
  show();
}
