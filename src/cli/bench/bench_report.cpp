#include "cli/bench/bench_report.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace lectern::cli {

Times summary(std::vector<double> seconds) {
  std::ranges::sort(seconds);
  return {seconds[seconds.size() / 2], seconds.front(), seconds.back()};
}

void BenchReport::add(const std::string& part, const std::string& key, double value, double low, double high,
                      const std::string& unit, std::optional<double> limit, bool less_is_better) {
  json_[part][key] = value;
  json_["spread"][part + "." + key] = {low, high};
  std::string share;
  if (limit) {
    json_["limits"][part + "." + key] = *limit;
    share = fmt::format("{:>10.3g}  {:>4.0f} %", *limit, 100 * (less_is_better ? *limit / value : value / *limit));
  }
  if (!table_ && ::isatty(STDERR_FILENO) == 0) return;
  std::FILE* const out = table_ ? stdout : stderr;
  fmt::print(out, "{:<20} {:>10.3g} {:<6} {:>9.3g} .. {:<9.3g} {}\n", part + "." + key, value, unit, low, high, share);
  std::fflush(out);
}

void BenchReport::add_time(const std::string& part, const std::string& key, const Times& t,
                           std::optional<double> limit) {
  add(part, key, t.median, t.least, t.most, "s", limit, true);
}

void BenchReport::add_rate(const std::string& part, const std::string& key, const Times& t, double tokens,
                           std::optional<double> limit) {
  add(part, key, tokens / t.median, tokens / t.most, tokens / t.least, "tok/s", limit, false);
}

}  // namespace lectern::cli
