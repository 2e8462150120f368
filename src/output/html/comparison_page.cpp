#include "output/html/comparison_page.h"

#include <fmt/format.h>

#include <string_view>

#include "core/text.h"
#include "layout/markup.h"
#include "lectern/version.h"

namespace lectern {
namespace {

constexpr std::string_view head = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Two readings compared</title>
<style>
:root { color-scheme: light dark; --ink: #1c1c1c; --paper: #fff; --room: #eceae6; --faint: #777; --line: #ccc; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e6; --paper: #1e1e20; --room: #121214; --faint: #999; --line: #444; }
}
body { margin: 0 auto; max-width: 1500px; padding: 1rem; font: 16px/1.5 system-ui, sans-serif; color: var(--ink);
  background: var(--room); }
h1 { font-size: 1.3rem; } h2 { font-size: 1rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; } td, th { border: 1px solid var(--line); padding: .15rem .5rem; text-align: end; }
td:first-child, th:first-child { text-align: start; overflow-wrap: anywhere; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
.pair > div { background: var(--paper); padding: .5rem; min-width: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.pair > .name { background: none; padding: 0 .5rem; color: var(--faint); }
del { background: rgba(217, 72, 15, .25); text-decoration: none; }
ins { background: rgba(43, 138, 62, .25); text-decoration: none; }
.error { color: #d9480f; } .nothing { color: var(--faint); }
</style>
</head>
<body>
)html";

std::string row(const std::string& name, const TextDifference& difference, const std::string& tokens,
                const std::string& seconds) {
  return fmt::format(
      "<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.2f} %</td><td>{:.4f}</td><td>{}</td><td>{}</td></tr>\n", name,
      difference.left_words, difference.right_words, 100 * difference.word_agreement(), difference.edit_distance(),
      tokens, seconds);
}

std::string reading(const ComparedPage& page, bool is_left) {
  const ComparedReading& one = is_left ? page.left : page.right;
  if (!one.error.empty()) return "<p class=\"error\">" + escape_text(one.error) + "</p>";
  if (is_blank(one.text)) return "<span class=\"nothing\">nothing was read</span>";
  std::string html;
  const std::string_view element = is_left ? "del" : "ins";
  for (const DifferenceRun& run : page.difference.runs) {
    const std::string text = escape_text(is_left ? run.left : run.right);
    html += run.same || text.empty() ? text : fmt::format("<{0}>{1}</{0}>", element, text);
  }
  return html;
}

}  // namespace

std::string comparison_page(const std::string& left, const std::string& right, const std::vector<ComparedPage>& pages) {
  std::string html(head);
  html += fmt::format("<h1>{} and {}</h1>\n", escape_text(left), escape_text(right));
  html +=
      "<table>\n<tr><th>page</th><th>words left</th><th>right</th><th>words alike</th><th>edit distance</th>"
      "<th>tokens</th><th>seconds</th></tr>\n";
  TextDifference sum;
  ComparedReading lefts, rights;
  for (size_t i = 0; i < pages.size(); ++i) {
    const ComparedPage& page = pages[i];
    sum += page.difference;
    lefts.tokens += page.left.tokens;
    lefts.seconds += page.left.seconds;
    rights.tokens += page.right.tokens;
    rights.seconds += page.right.seconds;
    html += row(fmt::format("<a href=\"#p{}\">{}</a>", i + 1, escape_text(page.name)), page.difference,
                fmt::format("{} / {}", page.left.tokens, page.right.tokens),
                fmt::format("{:.1f} / {:.1f}", page.left.seconds, page.right.seconds));
  }
  if (pages.size() > 1) {
    html += row("all", sum, fmt::format("{} / {}", lefts.tokens, rights.tokens),
                fmt::format("{:.1f} / {:.1f}", lefts.seconds, rights.seconds));
  }
  html +=
      "</table>\n<p>Marked is what the other side reads otherwise or not: <del>on the left</del>, "
      "<ins>on the right</ins>.</p>\n";
  for (size_t i = 0; i < pages.size(); ++i) {
    html += fmt::format(
        "<section id=\"p{}\">\n<h2>{}</h2>\n<div class=\"pair\"><div class=\"name\">{}</div><div "
        "class=\"name\">{}</div>\n"
        "<div dir=\"auto\">{}</div>\n<div dir=\"auto\">{}</div></div>\n</section>\n",
        i + 1, escape_text(pages[i].name), escape_text(left), escape_text(right), reading(pages[i], true),
        reading(pages[i], false));
  }
  return html + "<p>Made by Lectern " LECTERN_VERSION ".</p>\n</body>\n</html>\n";
}

}  // namespace lectern
