#include "lines/list_order.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/text.h"

namespace lectern {
namespace {

constexpr size_t min_entries = 8, min_numbered = 6;
constexpr size_t max_out_of_order = 10;  // one of so many entries

// Letters only, in lower case and without the accents of Western Europe.
std::string sort_key(std::string_view text) {
  constexpr std::string_view plain =
      "aaaaaaaceeeeiiiidnooooo ouuuuypsaaaaaaaceeeeiiiidnooooo ouuuuypy";  // U+00C0 to U+00FF
  std::string key;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte == 0xC3 && i + 1 < text.size()) {
      key += plain[static_cast<uint8_t>(text[++i]) & 0x3F];
    } else if (is_letter(text[i])) {
      key += static_cast<char>(byte | 0x20);
    } else if (byte >= 0x80) {
      key += text[i];
    }
  }
  return key;
}

struct Entry {
  TextBlock::Cell cell;
  std::vector<size_t> lines;
  std::string text;
};

std::vector<Entry> entries_of(const TextBlock& table, std::span<const PageLine> lines) {
  std::vector<Entry> entries;
  for (size_t i = 0; i < lines.size(); ++i) {
    const TextBlock::Cell& cell = table.cells[i];
    const bool further =
        !entries.empty() && entries.back().cell.row == cell.row && entries.back().cell.column == cell.column;
    if (!further) entries.push_back({cell, {}, {}});
    entries.back().lines.push_back(i);
    entries.back().text += (further ? " " : "") + lines[i].text;
  }
  return entries;
}

size_t out_of_order(const std::vector<Entry>& entries) {
  size_t count = 0;
  for (size_t i = 1; i < entries.size(); ++i)
    count += sort_key(entries[i].text) < sort_key(entries[i - 1].text) ? 1 : 0;
  return count;
}

bool is_sorted_down(const std::vector<Entry>& down, const std::vector<Entry>& across) {
  const bool worded = std::ranges::all_of(down, [](const Entry& entry) {
    return !entry.text.empty() && (is_letter(entry.text.front()) || static_cast<uint8_t>(entry.text.front()) == 0xC3);
  });
  return worded && down.size() >= min_entries && out_of_order(down) * max_out_of_order <= down.size() &&
         out_of_order(across) > 2 * out_of_order(down);
}

bool is_numbered_down(const std::vector<Entry>& down) {
  for (size_t i = 0; i < down.size(); ++i) {
    const int number = item_number(down[i].text);
    if (number == 0 || (i > 0 && number != item_number(down[i - 1].text) + 1)) return false;
  }
  return down.size() >= min_numbered;
}

}  // namespace

int item_number(std::string_view line) {
  int number = 0;
  size_t at = 0;
  for (; at < line.size() && at < 3 && is_digit(line[at]); ++at) number = 10 * number + (line[at] - '0');
  const bool marked = at > 0 && at + 1 < line.size() && (line[at] == '.' || line[at] == ')') && line[at + 1] == ' ';
  return marked ? number : 0;
}

std::vector<std::vector<size_t>> entries_down(const TextBlock& table, std::span<const PageLine> lines) {
  const std::vector<Entry> across = entries_of(table, lines);
  std::vector<Entry> down = across;
  std::ranges::stable_sort(down, {}, [](const Entry& entry) { return entry.cell.column; });
  if (down.empty() || down.front().cell.column == down.back().cell.column) return {};
  if (!is_sorted_down(down, across) && !is_numbered_down(down)) return {};
  std::vector<std::vector<size_t>> entries;
  entries.reserve(down.size());
  for (Entry& entry : down) entries.push_back(std::move(entry.lines));
  return entries;
}

}  // namespace lectern
