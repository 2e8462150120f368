// lectern pull: downloads a model.
#include "hub/pull.h"
#include "hub/hub_address.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/interrupts.h"
#include "core/format_bytes.h"
#include "core/stopped.h"
#include "hub/model_store.h"
#include "hub/shared_cache.h"
#include "lectern/error.h"

namespace lectern::cli {
namespace {

struct Arguments {
  std::string name = hub::deepseek_ocr.text();
  std::string revision;
  std::string mirror;
  bool quiet = false;
};

// What to pull and where from, as far as the words say; an address that was pasted says both.
hub::ModelAddress wanted(const Arguments& arguments) {
  hub::ModelAddress wanted;
  if (const auto name = hub::parse_model_name(arguments.name)) {
    wanted.name = *name;
  } else if (const auto address = hub::parse_model_address(arguments.name)) {
    wanted = *address;
  } else {
    throw Error(fmt::format(
        "{}: is no name of a model; expected OWNER/NAME, its address or a short name, as in: lectern pull {}",
        arguments.name, hub::deepseek_ocr.text()));
  }
  if (!arguments.mirror.empty()) wanted.endpoint = arguments.mirror;
  if (!arguments.revision.empty()) wanted.name.revision = arguments.revision;
  if (!wanted.name.revision.empty() && !hub::is_revision(wanted.name.revision)) {
    throw Error(fmt::format("--revision: '{}' is no name of a branch, tag or commit", arguments.revision));
  }
  return wanted;
}

// On a terminal a line that is drawn again and again, with a bar, the rate and the time left; elsewhere only notes.
class PullLine {
 public:
  explicit PullLine(bool quiet) : notes_(!quiet), drawing_(!quiet && can_show_progress()) {}
  PullLine(const PullLine&) = delete;
  PullLine& operator=(const PullLine&) = delete;
  ~PullLine() { clear(); }

  void show(const hub::PullProgress& progress) {
    constexpr std::chrono::milliseconds pause(200);
    const auto now = Clock::now();
    if (!drawing_ || (now < next_ && progress.done < progress.total)) return;
    next_ = now + pause;
    constexpr double width = 24;
    const double share =
        progress.total > 0 ? static_cast<double>(progress.done) / static_cast<double>(progress.total) : 1;
    const auto filled = static_cast<size_t>(share * width);
    std::string line = fmt::format("[{}{}] {:3.0f} %  {} of {}", std::string(filled, '#'),
                                   std::string(static_cast<size_t>(width) - filled, '.'), 100 * share,
                                   format_bytes(progress.done), format_bytes(progress.total));
    if (const double rate = rate_at(now, progress.loaded); rate > 0) {
      const auto left = static_cast<int64_t>(static_cast<double>(progress.total - progress.done) / rate);
      line += fmt::format("  {}/s  {} left", format_bytes(static_cast<int64_t>(rate)), time_text(left));
    }
    // Without wrapping: of a line broken in two, only the second half could be cleared.
    std::fputs(fmt::format("\r\033[K\033[?7l{}  {}\033[?7h", line, in_one_line(progress.file)).c_str(), stderr);
    std::fflush(stderr);
    drawn_ = true;
  }

  void note(const std::string& text) {
    if (!notes_) return;
    clear();
    std::fputs((in_one_line(text) + "\n").c_str(), stderr);
  }

  void clear() {
    if (drawn_) std::fputs("\r\033[K", stderr);
    drawn_ = false;
  }

 private:
  using Clock = std::chrono::steady_clock;

  // Bytes a second, smoothed over some seconds.
  double rate_at(Clock::time_point now, int64_t loaded) {
    const double seconds = std::chrono::duration<double>(now - measured_).count();
    if (measured_ != Clock::time_point{} && seconds > 0) {
      const double current = static_cast<double>(loaded - loaded_) / seconds;
      constexpr double memory = 5;  // seconds
      const double weight = rate_ > 0 ? std::min(1.0, seconds / memory) : 1;
      rate_ += weight * (current - rate_);
    }
    measured_ = now;
    loaded_ = loaded;
    return rate_;
  }

  static std::string time_text(int64_t seconds) {
    if (seconds >= 100 * 3600) return "days";
    return seconds >= 3600 ? fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
                           : fmt::format("{}:{:02}", seconds / 60, seconds % 60);
  }

  bool notes_, drawing_;
  bool drawn_ = false;
  Clock::time_point next_, measured_;
  int64_t loaded_ = 0;
  double rate_ = 0;
};

int pull(const Arguments& arguments) {
  hub::PullOptions options;
  const hub::ModelAddress address = wanted(arguments);
  options.name = address.name;
  options.endpoint = hub::hub_endpoint(address.endpoint);
  options.token = hub::hub_token();
  options.store = hub::model_store();
  options.shared_cache = hub::shared_cache();
  if (const std::string warning = hub::token_warning(options.endpoint, options.token); !warning.empty())
    complain(warning);
  PullLine line(arguments.quiet);
  const Interrupts interrupts;
  hub::PullEvents events;
  events.progress = [&](const hub::PullProgress& progress) { line.show(progress); };
  events.note = [&](const std::string& text) { line.note(text); };
  events.stop = interrupts.token();
  try {
    line.note(fmt::format("pulling {} from {}", options.name.text(), options.endpoint));
    const hub::Pulled pulled = hub::pull(options, events);
    line.note(fmt::format("{}, revision {}, {}", options.name.text(), pulled.commit,
                          pulled.was_there ? "was there already" : "is complete"));
    line.clear();
    fmt::print("{}\n", on_stdout(pulled.folder.string()));
    return exit_done;
  } catch (const Stopped&) {
    line.clear();
    complain("interrupted; what came is kept, and the same command goes on from there");
    return exit_interrupted;
  } catch (...) {
    line.clear();
    throw;
  }
}

}  // namespace

Command add_pull(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("pull", "Download a model from Hugging Face, or from a mirror of it");
  command
      ->add_option(
          "NAME", arguments->name,
          "deepseek-ocr, deepseek-ocr-2, unlimited-ocr, OWNER/NAME on the hub, or the address of its page (default: "
          "deepseek-ai/DeepSeek-OCR)")
      ->type_name("");
  command->add_option("--revision", arguments->revision, "A branch, a tag or a commit (default: main)")
      ->type_name("REVISION");
  command->add_option("--mirror", arguments->mirror, "The address of a hub (default: $HF_ENDPOINT, then Hugging Face)")
      ->type_name("URL");
  command->add_flag("--quiet", arguments->quiet, "No progress on standard error");
  return [arguments] { return pull(*arguments); };
}

}  // namespace lectern::cli
