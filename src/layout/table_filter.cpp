#include "layout/table_filter.h"

#include <algorithm>
#include <utility>

#include "layout/text/block_text.h"

namespace lectern {
namespace {

constexpr std::string_view table = "<table", table_end = "</table>";

}  // namespace

void TableFilter::put(std::string_view text, std::string& out) {
  if (text.empty()) return;
  // The line break that ends a table is put already.
  if (std::exchange(after_table_, false) && text.front() == '\n') text.remove_prefix(1);
  if (text.empty()) return;
  out += text;
  in_line_ = text.back() != '\n';
}

void TableFilter::put_table(std::string_view html, std::string& out) {
  if (in_line_) put("\n", out);
  Block block;
  block.text = html;
  put(plain_text(block) + "\n", out);
  after_table_ = true;
}

std::string TableFilter::push(std::string_view text) {
  pending_ += text;
  std::string out;
  std::string_view rest = pending_;
  for (;;) {
    const size_t begin = rest.find(table);
    if (begin == std::string_view::npos) break;
    put(rest.substr(0, begin), out);
    rest.remove_prefix(begin);
    const size_t end = rest.find(table_end);
    if (end == std::string_view::npos) {
      pending_.erase(0, pending_.size() - rest.size());
      return out;
    }
    put_table(rest.substr(0, end + table_end.size()), out);
    rest.remove_prefix(end + table_end.size());
  }
  size_t held = std::min(rest.size(), table.size() - 1);
  while (!table.starts_with(rest.substr(rest.size() - held))) --held;
  put(rest.substr(0, rest.size() - held), out);
  pending_.erase(0, pending_.size() - held);
  return out;
}

std::string TableFilter::finish() {
  std::string out;
  if (pending_.starts_with(table)) {
    put_table(pending_, out);
  } else {
    put(pending_, out);
  }
  pending_.clear();
  in_line_ = after_table_ = false;
  return out;
}

}  // namespace lectern
