// lectern convert: the raw output of any DeepSeek-OCR engine, with its layout tags, as finished documents.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/interrupts.h"
#include "cli/output_options.h"
#include "cli/password.h"
#include "cli/validators.h"
#include "core/files/file.h"
#include "core/files/file_gate.h"
#include "core/stopped.h"
#include "input/input_file.h"
#include "input/page_source.h"
#include "job/outputs.h"
#include "layout/layout.h"
#include "layout/raw_pages.h"
#include "layout/raw_text.h"
#include "lectern/error.h"
#include "lectern/version.h"

namespace lectern::cli {
namespace {

constexpr size_t max_raw_file_bytes = size_t{1} << 30;

struct Arguments {
  std::vector<std::filesystem::path> inputs;
  std::vector<std::filesystem::path> images;
  double dpi = 0;
  PasswordArguments password;
  OutputArguments output;
};

std::vector<Input> inputs_of(const Arguments& arguments) {
  std::vector<Input> inputs;
  for (const auto& file : arguments.inputs) {
    const auto same = [&](const Input& other) {
      std::error_code ignored;
      return file == other.file || std::filesystem::equivalent(file, other.file, ignored);
    };
    if (std::ranges::any_of(inputs, same)) {
      complain(fmt::format("{}: was named more than once, and is converted once", file.string()));
    } else {
      inputs.push_back({file, file == "-" ? "stdin" : file.filename()});
    }
  }
  return inputs;
}

std::string read_raw(const std::filesystem::path& path, const std::stop_token& stop) {
  const InputFile file(path, stop, "the text that a model wrote");
  RawText raw = raw_text(read_text_file(file.path(), max_raw_file_bytes), file.name());
  if (raw.bad_lines > 0) {
    const std::string more = raw.bad_lines > 1 ? fmt::format(", one of {} such", raw.bad_lines) : "";
    complain(
        fmt::format("{}: line {} is not UTF-8{}; U+FFFD stands for what it has; if the file is in another "
                    "encoding, convert it, as by iconv -f LATIN1 -t UTF-8",
                    file.name(), raw.first_bad_line, more));
  }
  return std::move(raw.text);
}

// The pages of several files of pictures, one after the other.
class PagePictures {
 public:
  PagePictures(const std::vector<std::filesystem::path>& files, SourceOptions options, const Outputs& outputs) {
    options.find_text = outputs.asks_for_text();
    for (const auto& file : files) {
      sources_.push_back(open_source(file, options));
      originals_.push_back(sources_.back()->original());
      outputs.check(*originals_.back());
      for (int i = 0; i < sources_.back()->pages(); ++i) pages_.emplace_back(sources_.size() - 1, i);
    }
  }
  size_t size() const { return pages_.size(); }
  PageOrigin origin(size_t index) const { return {originals_[pages_[index].first], pages_[index].second}; }
  // With the first page of a file comes what is to be said of the file as a whole.
  SourcePage page(size_t index) const {
    const auto& [source, number] = pages_[index];
    SourcePage page = sources_[source]->page(number);
    if (number == 0) {
      const std::vector<Warning> whole = sources_[source]->warnings();
      page.warnings.insert(page.warnings.begin(), whole.begin(), whole.end());
    }
    return page;
  }

 private:
  std::vector<std::unique_ptr<PageSource>> sources_;
  std::vector<std::shared_ptr<const OriginalFile>> originals_;  // of them
  std::vector<std::pair<size_t, int>> pages_;
};

std::string pages_text(size_t count) { return count == 1 ? "1 page" : fmt::format("{} pages", count); }

class Conversion {
 public:
  Conversion(const Arguments& arguments, std::stop_token stop)
      : arguments_(arguments),
        stop_(std::move(stop)),
        inputs_(inputs_of(arguments)),
        formats_(chosen_formats(arguments.output, Format::markdown)),
        outputs_(arguments.output.out.empty() ? "-" : arguments.output.out, formats_, arguments.output.options, inputs_,
                 inputs_.size() > 1, passed_inputs()),
        texts_(inputs_.size()) {}

  int run() {
    for (const Format format : formats_) {
      if (format_info(format).needs_pictures && arguments_.images.empty()) {
        throw Error(fmt::format("--format {} needs the pictures of the pages; name them with --image",
                                format_info(format).name()));
      }
    }
    SourceOptions source;
    source.dpi = arguments_.dpi;
    source.password = password_of(arguments_.password);
    source.stop = stop_;
    read_texts();
    const PagePictures pictures(arguments_.images, source, outputs_);
    if (pictures.size() > 0 && complete_ && pages_ != pictures.size()) {
      throw Error(fmt::format("{}: there {} {} of text, but {} with --image", arguments_.inputs.back().string(),
                              pages_ == 1 ? "is" : "are", pages_text(pages_), pages_text(pictures.size())));
    }
    if (pages_ == 0) return exit_failed;
    outputs_.make_folder();
    size_t picture = 0;  // of all inputs together
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (texts_[i].empty()) continue;
      convert(i, pictures, picture);
      picture += texts_[i].size();
    }
    written_ += outputs_.finish(false).size();
    complain_of_outputs();
    if (written_ == 0 && !outputs_.to_stdout()) return exit_failed;
    return complete_ ? exit_done : exit_some_failed;
  }

 private:
  FileGate& passed_inputs() {
    for (const Input& input : inputs_) gate_.add_input(input.file);
    for (const auto& image : arguments_.images) gate_.add_input(image);
    if (arguments_.password.file != "-") gate_.add_input(arguments_.password.file);
    return gate_;
  }

  void read_texts() {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      try {
        texts_[i] = split_raw_pages(read_raw(inputs_[i].file, stop_));
        pages_ += texts_[i].size();
      } catch (const Error& error) {
        complete_ = false;
        complain(error.what());
      }
    }
  }

  void convert(size_t input, const PagePictures& pictures, size_t first_picture) {
    const std::string name = inputs_[input].file.string();
    DocumentInfo info;
    info.source = arguments_.images.size() == 1 && inputs_.size() == 1 ? arguments_.images[0].string() : name;
    if (outputs_.merges()) {
      for (size_t i = input + 1; i < inputs_.size(); ++i) info.source += ", " + inputs_[i].file.string();
    }
    info.pages = static_cast<int>(outputs_.merges() ? pages_ : texts_[input].size());
    info.version = LECTERN_VERSION;
    outputs_.begin(input, info);
    for (size_t i = 0; i < texts_[input].size(); ++i) {
      throw_if_stopped(stop_);
      Page page;
      page.number = static_cast<int>(i) + 1;
      page.raw = std::exchange(texts_[input][i], {});
      page.width = page.height = layout_scale;
      std::optional<Picture> picture;
      if (first_picture + i < pictures.size()) picture = take_picture(pictures, first_picture + i, page);
      lay_out(page);
      for (const Warning& warning : page.warnings)
        complain(fmt::format("{}: page {}: {}", name, page.number, warning.message));
      if (has_bad_utf8(page.raw)) {  // told of the file
        page.warnings.push_back({WarningCode::damaged_input, "some of its bytes are not UTF-8", std::nullopt});
      }
      const bool has_origin = first_picture + i < pictures.size();
      outputs_.page(page, picture ? &*picture : nullptr,
                    has_origin ? pictures.origin(first_picture + i) : PageOrigin());
    }
    written_ += outputs_.end(input).size();
    complain_of_outputs();
  }

  std::optional<Picture> take_picture(const PagePictures& pictures, size_t index, Page& page) {
    try {
      SourcePage source = pictures.page(index);
      page.width = source.picture.width;
      page.height = source.picture.height;
      page.dpi = source.dpi;
      page.turn = source.turn;
      page.has_text = source.has_text;
      page.warnings = std::move(source.warnings);
      return std::move(source.picture);
    } catch (const Error& error) {
      page.warnings.push_back({WarningCode::no_picture, error.what(), std::nullopt});
      complete_ = false;
      return std::nullopt;
    }
  }

  void complain_of_outputs() {
    for (const std::string& failure : outputs_.take_failures()) {
      complain(failure);
      complete_ = false;
    }
    for (const std::string& warning : outputs_.take_warnings()) complain(warning);
  }

  const Arguments& arguments_;
  const std::stop_token stop_;
  const std::vector<Input> inputs_;
  const std::vector<Format> formats_;
  FileGate gate_;
  Outputs outputs_;
  std::vector<std::vector<std::string>> texts_;  // the pages of each input; none of one that could not be read
  size_t pages_ = 0;                             // of them
  size_t written_ = 0;                           // files
  bool complete_ = true;                         // all was read, with its pictures, and written
};

int convert(const Arguments& arguments) {
  const Interrupts interrupts;
  try {
    return Conversion(arguments, interrupts.token()).run();
  } catch (const Stopped&) {
    complain("interrupted");
    return exit_interrupted;
  }
}

}  // namespace

Command add_convert(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      app.add_subcommand("convert", "Turn what a DeepSeek-OCR model wrote, layout tags and all, into documents");
  command
      ->add_option("RAW", arguments->inputs,
                   "Text files with the model's output, or - for standard input; pages are parted at lines "
                   "<--- Page Split ---> and at form feeds")
      ->type_name("")
      ->required();
  command
      ->add_option(
          "--image", arguments->images,
          "The pages that were read, in their order: pictures, TIFFs or PDFs (default: none, and boxes stay on "
          "the model's scale of 0 to 999)")
      ->type_name("PAGES");
  command->add_option("--dpi", arguments->dpi, "For PDFs with --image (default: 200)")
      ->type_name("N")
      ->check(number_from_to(20, 2400));
  add_password_options(*command, arguments->password);
  add_output_options(*command, arguments->output);
  return [arguments] { return convert(*arguments); };
}

}  // namespace lectern::cli
