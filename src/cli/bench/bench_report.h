// The figures of `lectern bench`: as lines of a table, and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace lectern::cli {

// Of several runs; seconds.
struct Times {
  double median = 0, least = 0, most = 0;
};

Times summary(std::vector<double> seconds);

// Figures are told as they come: on standard output where a table is asked for, else to whoever waits at a terminal.
class BenchReport {
 public:
  explicit BenchReport(bool table) : table_(table) {}

  // value and its limit in `unit`; where less is better the share is limit / value.
  void add(const std::string& part, const std::string& key, double value, double low, double high,
           const std::string& unit, std::optional<double> limit, bool less_is_better);
  void add_time(const std::string& part, const std::string& key, const Times& t, std::optional<double> limit);
  // Of a run that takes so many tokens.
  void add_rate(const std::string& part, const std::string& key, const Times& t, double tokens,
                std::optional<double> limit);
  nlohmann::json& json() { return json_; }

 private:
  bool table_;
  nlohmann::json json_;
};

}  // namespace lectern::cli
