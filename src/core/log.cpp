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

namespace lectern {
namespace {

using Sink = std::function<void(LogLevel, std::string_view)>;

std::atomic<LogLevel> the_level{LogLevel::off};
std::mutex the_mutex;
std::shared_ptr<spdlog::logger> the_logger;  // not in spdlog's registry, which belongs to the program

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
  the_logger = std::move(logger);
  the_level = level;
}

bool needs_quotes(std::string_view text) {
  return text.empty() || std::ranges::any_of(text, [](unsigned char c) {
           return c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7F || c == 0xC2;
         });
}

// Control characters never reach a terminal.
void append_quoted(std::string& line, std::string_view text) {
  line += '"';
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    const unsigned char next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : ' ';
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (c == '\n') {
      line += "\\n";
    } else if (byte < ' ' || byte == 0x7F) {
      line += fmt::format("\\x{:02x}", byte);
    } else if (byte == 0xC2 && next < 0xA0) {  // a control character of two bytes
      line += fmt::format("\\u{:04x}", next);
      ++i;
    } else {
      line += c;
    }
  }
  line += '"';
}

struct AppendValue {
  std::string& line;
  void operator()(std::string_view text) const { needs_quotes(text) ? append_quoted(line, text) : void(line += text); }
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
    logger = the_logger;
  }
  if (logger) logger->log(level == LogLevel::debug ? spdlog::level::debug : spdlog::level::info, line);
}

}  // namespace lectern
