// Markdown of the model to elements. What the model wrote is data: of HTML only the marks of tables and of raised,
// lowered and bold text are marks; everything else is text, and what comes out goes through DOMPurify as well.

import "./third_party/dompurify/purify.min.js";
import "./third_party/markdown-it/markdown-it.min.js";
import {element} from "./dom.js";

const {DOMPurify, markdownit} = globalThis;

const known = "table|thead|tbody|tfoot|tr|td|th|caption|sup|sub|b|strong|i|em|u|s|br|center|p|ul|ol|li";
const knownTag = new RegExp(`<(/?)(${known})(\\s[^<>]*)?/?>|<`, "gi");
const span = /\s(colspan|rowspan)\s*=\s*["']?(\d{1,4})\b/gi;
const startsKnown = new RegExp(`^\\s*</?(?:${known})[\\s/>]`, "i");

const allowed = {
  ALLOWED_TAGS: ["table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption", "sup", "sub", "b", "strong", "i", "em",
    "u", "s", "br", "p", "ul", "ol", "li", "h3", "h4", "h5", "h6", "pre", "code", "blockquote", "hr", "a", "span"],
  ALLOWED_ATTR: ["colspan", "rowspan", "href", "class", "start"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ADD_URI_SAFE_ATTR: ["colspan", "rowspan", "start"],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  RETURN_DOM_FRAGMENT: true,
};

// Of classes only those that this file writes.
DOMPurify.addHook("uponSanitizeAttribute", (node, attribute) => {
  if (attribute.attrName === "class" && !(node.nodeName === "SPAN" && /^formula( display)?$/.test(attribute.attrValue))) {
    attribute.keepAttr = false;
  }
});

const markdown = markdownit({html: true, linkify: false, typographer: false, breaks: true});
// An indented line is no code, two dashes under a line make no title, and "[1]: text" is a note that must not vanish.
markdown.disable(["code", "lheading", "reference", "image"]);
markdown.validateLink = (url) => /^(?:https?|mailto):/i.test(url.trim());

const escape = markdown.utils.escapeHtml;
// Marks that are known, without attributes but those of cells that span others.
const onlyKnown = (html) => html.replace(knownTag, (found, slash, name, attributes = "") => found === "<" ? "&lt;" :
  `<${slash}${name}${[...attributes.matchAll(span)].map(([, key, value]) => ` ${key}="${value}"`).join("")}>`);
markdown.renderer.rules.html_inline = (tokens, index) => onlyKnown(tokens[index].content);
markdown.renderer.rules.html_block = (tokens, index) => {
  const html = onlyKnown(tokens[index].content);
  return startsKnown.test(html) ? html : `<p>${html}</p>`;
};

// Below the page's own two levels, and without a gap between levels. env.level: that of the last heading.
markdown.renderer.rules.heading_open = (tokens, index, options, env) => {
  const level = Math.min(Number(tokens[index].tag.slice(1)) + 2, (env.level ?? 2) + 1, 6);
  env.level = level;
  return `<h${level}>`;
};
markdown.renderer.rules.heading_close = (tokens, index, options, env) => `</h${env.level}>`;

// \( \) and \[ \], before the backslash counts as an escape.
markdown.inline.ruler.before("escape", "formula", (state, silent) => {
  const opens = state.src.slice(state.pos, state.pos + 2);
  if (opens !== "\\(" && opens !== "\\[") return false;
  const end = state.src.indexOf(opens === "\\(" ? "\\)" : "\\]", state.pos + 2);
  if (end < 0) return false;
  if (!silent) {
    const token = state.push("formula", "", 0);
    token.content = state.src.slice(state.pos + 2, end);
    token.markup = opens;
  }
  state.pos = end + 2;
  return true;
});
const formulaClass = (opens) => opens === "\\[" ? "formula display" : "formula";
markdown.renderer.rules.formula = (tokens, index) =>
  `<span class="${formulaClass(tokens[index].markup)}">${escape(tokens[index].content)}</span>`;

// Formulas in the cells of HTML tables, where markdown-it looks for nothing.
function findFormulas(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) {
    if (/\\[([]/.test(walker.currentNode.data) && !walker.currentNode.parentElement?.closest(".formula, pre, code")) {
      nodes.push(walker.currentNode);
    }
  }
  for (const node of nodes) {
    const parts = node.data.split(/(\\\([^]*?\\\)|\\\[[^]*?\\\])/);
    node.replaceWith(...parts.map((part, index) =>
      index % 2 === 0 ? part : element("span", {class: formulaClass(part.slice(0, 2))}, part.slice(2, -2))));
  }
}

let katex;
function loadKatex() {
  katex ??= (async () => {
    document.head.append(element("link", {rel: "stylesheet", href: "/page/third_party/katex/katex.min.css"}));
    await import("./third_party/katex/katex.min.js");
    return globalThis.katex;
  })();
  return katex;
}

// One that cannot be set stays as its source.
async function setFormulas(root) {
  const formulas = [...root.querySelectorAll(".formula")];
  if (!formulas.length) return;
  const {render} = await loadKatex();
  for (const formula of formulas) {
    const source = formula.textContent;
    try {
      render(source, formula, {displayMode: formula.classList.contains("display"), throwOnError: true, trust: false,
        strict: "ignore", maxSize: 20, maxExpand: 200});
    } catch {
      formula.replaceChildren(element("code", {}, source));
    }
  }
}

// Fills `target`; env carries the level of headings from block to block. Returns when formulas are set.
export function renderMarkdown(target, text, env) {
  const whole = /^\s*\\\[([^]*)\\\]\s*$/.exec(text);
  if (whole && !whole[1].includes("\\]")) {
    target.replaceChildren(element("p", {}, element("span", {class: "formula display"}, whole[1])));
    return setFormulas(target);
  }
  target.replaceChildren(DOMPurify.sanitize(markdown.render(text, env), allowed));
  findFormulas(target);
  for (const link of target.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  }
  for (const table of target.querySelectorAll("table")) {
    if (table.parentElement.closest("table")) continue;
    const scroll = element("div", {class: "scroll"});
    table.replaceWith(scroll);
    scroll.append(table);
  }
  return setFormulas(target);
}
