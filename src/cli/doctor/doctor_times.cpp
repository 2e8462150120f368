#include "cli/doctor/doctor_times.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <vector>

#include "core/format_bytes.h"
#include "core/stopwatch.h"
#include "diagnose/predicted_times.h"
#include "diagnose/speed_check.h"
#include "engine/loaded_model.h"
#include "lectern/error.h"
#include "lectern/reader.h"
#include "reading/model_parts.h"

namespace lectern::cli {
namespace {

constexpr std::array together = {1, 8, 16, 32};
constexpr int64_t timed_steps = 16;
constexpr int published_layers = 12, published_hidden = 1280, published_view = 1024;  // of DeepSeek-OCR
constexpr int64_t max_tokens = 256;  // of a page, lest one that goes round in circles take for ever

std::string seconds_text(double seconds) { return fmt::format("{:.3g} s", seconds); }

// Of a stage; empty for what no card is.
class Predictions {
 public:
  explicit Predictions(const LoadedModel& model)
      : of_card_(model.device.info().kind == "ascend"), ranks_(static_cast<int>(model.ranks.size())) {}
  std::string time(std::string_view stage) const {
    const std::optional<double> ms = of_card_ ? predicted_ms(stage, ranks_) : std::nullopt;
    return ms ? milliseconds(*ms / 1000) : "";
  }
  std::string tokens_per_second(int sequences) const {
    const std::optional<double> ms = of_card_ ? predicted_ms(fmt::format("step{}", sequences), ranks_) : std::nullopt;
    return ms ? fmt::format("{:.0f} tokens/s", sequences / *ms * 1000) : "";
  }
  // Of a page of one view, with so many tokens.
  std::string page(int64_t tokens) const {
    const auto encode = predicted_ms("encode1024"), prefill = predicted_ms("prefill913", ranks_),
               step = predicted_ms("step1", ranks_);
    if (!of_card_ || !encode || !prefill || !step) return "";
    return seconds_text((*encode + *prefill + static_cast<double>(tokens) * *step) / 1000);
  }
  // Of the first card.
  std::string weights() const {
    const auto found = std::ranges::find(published_ranks(), ranks_, &RankCosts::ranks);
    return of_card_ && found != published_ranks().end() ? fmt::format("{:.1f} GB", found->first_gb) : "";
  }
  explicit operator bool() const { return of_card_; }
  int ranks() const { return ranks_; }

 private:
  bool of_card_;
  int ranks_;
};

// What cards bring that hold a model together, whether these do or not.
void report_ranks(DoctorReport& report) {
  report.line("## One model over several cards, predicted");
  report.line();
  report.line(
      "As `scripts/ascend_costs.sh --ranks` computes it, for DeepSeek-OCR in bf16 (`docs/parallel.md`); "
      "`--tensor-parallel` measures it.");
  report.line();
  for (const std::string& line : table_of(published_ranks())) report.line(line);
  report.line();
}

struct NamedImage {
  std::string name;
  Image image;
};

// The page, and each half of it.
std::vector<NamedImage> three_pages(const Picture& page) {
  const auto rows = [&](int first, int last) {
    const auto begin = static_cast<size_t>(first) * static_cast<size_t>(page.width) * 3;
    const auto end = static_cast<size_t>(last) * static_cast<size_t>(page.width) * 3;
    return Image::from_pixels(std::span(page.rgb).subspan(begin, end - begin), page.width, last - first, "page");
  };
  const int middle = std::max(1, page.height / 2);
  return {{"the page", rows(0, page.height)},
          {"its upper half", rows(0, middle)},
          {"its lower half", rows(std::min(middle, page.height - 1), page.height)}};
}

struct ReadPage {
  Page page;
  std::string error;
  double seconds = 0;
};

std::vector<ReadPage> read(const Model& model, const std::vector<NamedImage>& images) {
  ReadOptions options;
  options.max_tokens = max_tokens;
  Reader reader(model, options);
  std::vector<ReadPage> pages;
  for (const NamedImage& one : images) {
    ReadPage& read = pages.emplace_back();
    const Stopwatch clock;
    try {
      read.page = reader.read(one.image);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::device_lost) throw;
      read.error = error.what();
    }
    read.seconds = clock.seconds();
  }
  return pages;
}

void report_pages(DoctorReport& report, const std::vector<NamedImage>& images, const std::vector<ReadPage>& pages,
                  const std::vector<ReadPage>& expected, const std::string& where) {
  report.line("## Three pages" + where);
  report.line();
  report.line("| page | status | text | tokens | encode | prefill | decode | in all |");
  report.line("|---|---|---|---|---|---|---|---|");
  for (size_t i = 0; i < pages.size(); ++i) {
    const ReadPage& read = pages[i];
    const PageStats& stats = read.page.stats;
    report.result(images[i].name + where, read.error.empty());
    const bool same = read.page.text() == expected[i].page.text();
    report.line(
        fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |", images[i].name,
                    read.error.empty() ? std::string(name_of(read.page.finish)) : "**failed**: " + cell(read.error),
                    !read.error.empty() ? ""
                    : same              ? "as the reference's"
                                        : "differs from the reference's",
                    stats.tokens, milliseconds(stats.encode_seconds), milliseconds(stats.prefill_seconds),
                    milliseconds(stats.decode_seconds), milliseconds(read.seconds)));
  }
  report.line();
}

}  // namespace

void report_times(DoctorReport& report, const DeviceStart& start, const Model& model, const Model& reference,
                  const Picture& picture, const std::string& where) {
  const Device& device = loaded_of(model).device;
  const Predictions predicted(loaded_of(model));
  const std::vector<NamedImage> images = three_pages(picture);
  const std::vector<ReadPage> pages = read(model, images);
  const DeviceMemory read_memory = device.memory();
  const std::vector<SpeedCheck> speeds = check_speed(loaded_of(model), picture, together, timed_steps);

  report.line("## Times" + where);
  report.line();
  if (predicted) {
    report.line(
        "Predicted: for DeepSeek-OCR in bf16 on a 910B2, as `scripts/ascend_costs.sh` computes it; another model or "
        "card has other work.");
    report.line();
    const DecoderConfig& decoder = loaded_of(model).decoder.config();
    if (decoder.layers != published_layers || decoder.hidden != published_hidden) {
      report.line(
          fmt::format("This is another model, with {} layers of {} columns in place of {} of {}: `--model` with the "
                      "folder of DeepSeek-OCR measures what is predicted.",
                      decoder.layers, decoder.hidden, published_layers, published_hidden));
      report.line();
    }
  }
  report.line("| step | measured | predicted |");
  report.line("|---|---|---|");
  const auto row = [&](const std::string& step, const std::string& measured, const std::string& prediction) {
    report.line(fmt::format("| {} | {} | {} |", step, measured, prediction));
  };
  const PageStats& stats = pages.front().page.stats;
  row("open the device, try its operators", seconds_text(start.open_seconds), "");
  row("load the weights", seconds_text(start.load_seconds), "");
  row(fmt::format("first page, {} tokens", stats.tokens), seconds_text(pages.front().seconds),
      predicted.page(stats.tokens));
  const int view = loaded_of(model).checkpoint.config().native_size;
  row(fmt::format("encode a page: one view of {}{}", view,
                  predicted && view != published_view ? fmt::format(", predicted for {}", published_view) : ""),
      milliseconds(stats.encode_seconds), predicted.time("encode1024"));
  if (predicted && predicted.ranks() == 1) row("encode six tiles of 640 more", "", predicted.time("tiles6"));
  if (predicted && predicted.ranks() > 1) row("encode a page of six tiles", "", predicted.time("page6"));
  row(fmt::format("prefill: {} tokens{}", stats.prompt_tokens, predicted ? ", predicted for 913" : ""),
      milliseconds(stats.prefill_seconds), predicted.time("prefill913"));
  for (const SpeedCheck& speed : speeds) {
    const std::string name =
        speed.sequences == 1 ? "decode, 1 page" : fmt::format("decode, {} pages together", speed.sequences);
    if (speed.failure.empty()) report.result(name + where, speed.steps > 0);
    row(name, speed.failure.empty() ? fmt::format("{:.1f} tokens/s", speed.tokens_per_second()) : cell(speed.failure),
        predicted.tokens_per_second(speed.sequences));
  }
  report.line();
  report.line("| memory" + where + " | free | taken | predicted |");
  report.line("|---|---|---|---|");
  const auto memory = [&](const char* when, const DeviceMemory& of, const DeviceMemory& before,
                          const std::string& prediction) {
    const bool known = of.total != 0;
    const auto taken = static_cast<int64_t>(before.free) - static_cast<int64_t>(of.free);
    report.line(fmt::format("| {} | {} | {} | {} |", when,
                            known ? format_bytes(static_cast<int64_t>(of.free)) : "not known",
                            known && taken > 0 ? format_bytes(taken) : "", prediction));
  };
  memory("with the device open", start.opened, start.opened, "");
  memory("with the weights loaded", start.loaded, start.opened, predicted.weights());
  memory("after three pages", read_memory, start.loaded, "");
  memory("after 32 pages together", device.memory(), read_memory, "");
  report.line();
  report_pages(report, images, pages, read(reference, images), where);
  if (predicted && where.empty()) report_ranks(report);
}

}  // namespace lectern::cli
