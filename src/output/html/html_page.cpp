#include "output/html/html_page.h"

#include <glib.h>

#include <array>
#include <memory>
#include <string_view>

#include "layout/markup.h"
#include "output/base64.h"

namespace lectern {
namespace {

constexpr std::string_view style = R"css(
:root { color-scheme: light dark; --ink: #1c1c1c; --paper: #fff; --room: #eceae6; --mark: #d9480f; --faint: #777; --line: #ccc; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e6; --paper: #1e1e20; --room: #121214; --mark: #ff922b; --faint: #999; --line: #444; }
}
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--room); }
header, section { max-width: 1500px; margin: 0 auto; padding: 1rem; }
header h1 { font-size: 1.3rem; margin: 0; overflow-wrap: anywhere; }
header p, h2 { margin: .2rem 0; font-size: .85rem; font-weight: normal; color: var(--faint); overflow-wrap: anywhere; }
.note { margin: .5rem 0; padding: .5rem .8rem; border-left: 4px solid var(--mark); background: var(--paper); }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; align-items: start; }
.picture { position: sticky; top: .5rem; max-height: calc(100vh - 1rem); aspect-ratio: var(--w) / var(--h);
  max-width: 100%; margin: 0 auto; width: min(100%, calc((100vh - 1rem) * var(--w) / var(--h))); background: #fff; }
.picture img { display: block; width: 100%; height: 100%; }
.box { position: absolute; border: 1px solid rgba(217, 72, 15, .35); cursor: pointer; padding: 0; background: none; }
.on.box { border: 2px solid var(--mark); background: rgba(255, 146, 43, .22); z-index: 1; }
.text { background: var(--paper); padding: .5rem; min-width: 0; }
.block { position: relative; padding: .3rem .6rem; border-inline-start: 3px solid transparent; cursor: pointer; overflow-wrap: anywhere; }
.block:focus { outline: none; }
.on.block { border-inline-start-color: var(--mark); background: rgba(255, 146, 43, .13); }
.label { font-size: .7rem; color: var(--faint); }
.block p, .block pre, .block h3, .block h4, .block h5, .block h6 { margin: .1rem 0 .5rem; }
.block pre { white-space: pre-wrap; font: .9rem/1.45 ui-monospace, monospace; }
.block ul { margin: .1rem 0 .5rem; padding-inline-start: 1.4rem; }
.block ul.numbers { list-style: none; padding-inline-start: .4rem; }
.level-1 { margin-inline-start: 1.2rem; } .level-2 { margin-inline-start: 2.4rem; } .level-3 { margin-inline-start: 3.6rem; }
.level-4 { margin-inline-start: 4.8rem; }
.block code, .formula { font-family: ui-monospace, monospace; font-size: .92em; }
span.figure { color: var(--faint); font-style: italic; }
img.figure { display: block; max-width: 100%; max-height: 60vh; margin: .2rem 0 .5rem; background: #fff; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; overflow-wrap: normal; }
td, th { border: 1px solid var(--line); padding: .15rem .45rem; text-align: start; vertical-align: top; }
@media (max-width: 800px) {
  header, section { padding: .6rem; }
  .pair { grid-template-columns: 1fr; gap: .4rem; }
  .picture { position: sticky; top: 0; z-index: 2; max-height: 45vh; width: min(100%, calc(45vh * var(--w) / var(--h)));
    box-shadow: 0 0 0 100vmax var(--room); clip-path: inset(0 -100vmax); }
  .block { scroll-margin-top: 47vh; }
}
@media print { .picture { position: relative; } .box { display: none; } }
)css";

// Every element with data-b belongs to a block; those of one block light up together. A tap or the keyboard's focus
// keeps them lit, and a tap on the picture brings the text into view.
constexpr std::string_view script = R"js(
(() => {
  let pinned = null;
  const all = (id) => document.querySelectorAll('[data-b="' + id + '"]');
  const show = (id) => {
    document.querySelectorAll('.on').forEach((e) => e.classList.remove('on'));
    if (id) all(id).forEach((e) => e.classList.add('on'));
  };
  const of = (event) => { const e = event.target.closest && event.target.closest('[data-b]'); return e ? e.dataset.b : null; };
  document.addEventListener('mouseover', (event) => show(of(event) || pinned));
  document.addEventListener('focusin', (event) => { if (of(event)) show(pinned = of(event)); });
  document.addEventListener('click', (event) => {
    show(pinned = of(event));
    if (!pinned || !event.target.classList.contains('box')) return;
    const text = [...all(pinned)].find((e) => e.classList.contains('block'));
    if (text) text.scrollIntoView({behavior: 'smooth', block: 'nearest'});
  });
})();
)js";

std::string digest(std::string_view text) {
  const std::unique_ptr<GChecksum, decltype(&g_checksum_free)> sum(g_checksum_new(G_CHECKSUM_SHA256), &g_checksum_free);
  g_checksum_update(sum.get(), reinterpret_cast<const guchar*>(text.data()), static_cast<gssize>(text.size()));
  std::array<guchar, 32> bytes{};
  gsize size = bytes.size();
  g_checksum_get_digest(sum.get(), bytes.data(), &size);
  return "'sha256-" + base64({reinterpret_cast<const char*>(bytes.data()), size}) + "'";
}

}  // namespace

std::string html_head(const std::string& title, const std::string& facts) {
  // style attributes hold nothing but numbers of ours.
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
         "style-src 'unsafe-inline'; script-src " +
         digest(script) +
         "; base-uri 'none'; form-action 'none'\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<title>" +
         escape_markup(title) + "</title>\n<style>" + std::string(style) +
         "</style>\n</head>\n<body>\n<header><h1 dir=\"auto\">" + escape_markup(title) + "</h1><p>" +
         escape_markup(facts) + "</p></header>\n<main>\n";
}

std::string html_foot() { return "</main>\n<script>" + std::string(script) + "</script>\n</body>\n</html>\n"; }

}  // namespace lectern
