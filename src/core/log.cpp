#include "core/log.h"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "core/utf8.h"

namespace lectern {
namespace {

using Sink = std::function<void(LogLevel, std::string_view)>;

std::atomic<LogLevel> the_level{LogLevel::off};
std::mutex the_mutex;

// Not in spdlog's registry, which belongs to the program. Never destroyed: readers of static lifetime outlive main.
std::shared_ptr<spdlog::logger>& the_logger() {
  static auto* const logger = new std::shared_ptr<spdlog::logger>();
  return *logger;
}

class FunctionSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FunctionSink(Sink function) : function_(std::move(function)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    function_(message.level == spdlog::level::debug ? LogLevel::debug : LogLevel::info, {line.data(), line.size()});
  }
  void flush_() override {}

 private:
  Sink function_;
};

void start(LogLevel level, spdlog::sink_ptr sink, const char* line_end) {
  auto logger = std::make_shared<spdlog::logger>("lectern", std::move(sink));
  logger->set_level(spdlog::level::debug);
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>("time=%Y-%m-%dT%H:%M:%S.%e level=%l %v",
                                                                    spdlog::pattern_time_type::local, line_end));
  const std::lock_guard lock(the_mutex);
  the_logger() = std::move(logger);
  the_level = level;
}

// Letters of any script may stand without quotes.
bool is_one_word(std::string_view text) {
  if (text.empty()) return false;
  while (!text.empty()) {
    const auto [length, state] = first_utf8(text);
    const std::string_view character = text.substr(0, length);
    if (state != Utf8State::valid || is_control(code_point(character)) || character == "\u00A0") return false;
    if (length == 1 && std::string_view(" \"=\\").find(character) != std::string_view::npos) return false;
    text.remove_prefix(length);
  }
  return true;
}

// Control characters never reach a terminal, nor what is no UTF-8.
void append_quoted(std::string& line, std::string_view text) {
  line += '"';
  while (!text.empty()) {
    const auto [length, state] = first_utf8(text);
    const std::string_view character = text.substr(0, length);
    const char32_t c = state == Utf8State::valid ? code_point(character) : U'\0';
    if (c == '"' || c == '\\') {
      line += '\\';
      line += character;
    } else if (c == '\n') {
      line += "\\n";
    } else if (state != Utf8State::valid || (length == 1 && is_control(c))) {
      for (const char byte : character) line += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    } else if (is_control(c)) {
      line += fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
    } else {
      line += character;
    }
    text.remove_prefix(length);
  }
  line += '"';
}

struct AppendValue {
  std::string& line;
  void operator()(std::string_view text) const { is_one_word(text) ? void(line += text) : append_quoted(line, text); }
  void operator()(int64_t number) const { line += std::to_string(number); }
  void operator()(double number) const { line += fmt::format("{:.6g}", number); }
};

}  // namespace

void set_log(LogLevel level) { start(level, std::make_shared<spdlog::sinks::stderr_sink_mt>(), "\n"); }

void set_log(LogLevel level, Sink sink) { start(level, std::make_shared<FunctionSink>(std::move(sink)), ""); }

bool log_enabled(LogLevel level) noexcept { return level <= the_level.load(std::memory_order_relaxed); }

void log_line(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  std::string line = "event=";
  line += event;
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    std::visit(AppendValue{line}, field.value);
  }
  std::shared_ptr<spdlog::logger> logger;
  {
    const std::lock_guard lock(the_mutex);
    logger = the_logger();
  }
  if (logger) logger->log(level == LogLevel::debug ? spdlog::level::debug : spdlog::level::info, line);
}

}  // namespace lectern
