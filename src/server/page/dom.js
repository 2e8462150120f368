// Small helpers around the document. Text becomes text nodes; nothing here takes HTML.

export const byId = (id) => document.getElementById(id);

// element("p", {class: "small", hidden: true, onclick: f}, "text", otherElement)
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// Writes a text only where it changed, so that a selection in it stays and nothing is announced twice.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Puts texts of texts.js where index.html names them.
export function fillTexts(texts) {
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = texts[node.dataset.text];
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", texts[node.dataset.label]);
  for (const node of document.querySelectorAll("[data-placeholder]")) node.placeholder = texts[node.dataset.placeholder];
}

// For those who do not see the screen.
export function announce(text) {
  byId("status").textContent = text;
}

// Shown and announced; goes by itself unless it is pointed at.
export function alertUser(text) {
  const note = element("p", {class: "alert"}, text);
  const close = () => note.remove();
  let timer = setTimeout(close, 8000);
  note.addEventListener("pointerenter", () => clearTimeout(timer));
  note.addEventListener("pointerleave", () => { timer = setTimeout(close, 3000); });
  note.addEventListener("click", close);
  byId("alerts").append(note);
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export function showNear(node, block = "nearest") {
  node.scrollIntoView({block, inline: "nearest", behavior: calm() ? "auto" : "smooth"});
}

// localStorage and sessionStorage may be forbidden.
export function stored(storage, key, fallback) {
  try {
    return JSON.parse(globalThis[storage].getItem(key)) ?? fallback;
  } catch {
    return fallback;
  }
}

export function store(storage, key, value) {
  try {
    if (value === undefined) globalThis[storage].removeItem(key);
    else globalThis[storage].setItem(key, JSON.stringify(value));
  } catch {
    // The page works without memory.
  }
}
