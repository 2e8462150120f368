// lectern convert: the raw output of any DeepSeek-OCR engine, with its layout tags, as finished documents.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/output_options.h"
#include "core/file.h"
#include "input/page_source.h"
#include "job/output_names.h"
#include "job/outputs.h"
#include "layout/layout.h"
#include "layout/raw_pages.h"
#include "layout/raw_text.h"
#include "lectern/error.h"

namespace lectern::cli {
namespace {

constexpr size_t largest_raw_file = size_t{1} << 30;

struct Arguments {
  std::vector<std::filesystem::path> inputs;
  std::vector<std::filesystem::path> images;
  double dpi = 0;
  OutputArguments output;
};

// The pages of several files of pictures, one after the other.
class PagePictures {
 public:
  PagePictures(const std::vector<std::filesystem::path>& files, double dpi) {
    for (const auto& file : files) {
      SourceOptions options;
      options.dpi = dpi;
      sources_.push_back(open_source(file, options));
      for (int i = 0; i < sources_.back()->pages(); ++i) pages_.emplace_back(sources_.size() - 1, i);
    }
  }
  size_t size() const { return pages_.size(); }
  SourcePage page(size_t index) const { return sources_[pages_[index].first]->page(pages_[index].second); }

 private:
  std::vector<std::unique_ptr<PageSource>> sources_;
  std::vector<std::pair<size_t, int>> pages_;
};

class Conversion {
 public:
  explicit Conversion(const Arguments& arguments)
      : arguments_(arguments),
        formats_(chosen_formats(arguments.output, Format::markdown)),
        names_(arguments.output.out, arguments.inputs, formats_),
        pictures_(arguments.images, arguments.dpi) {}

  int run() {
    for (const Format format : formats_) {
      if (pictures_.size() == 0 && (format == Format::pdf || format == Format::boxes)) {
        throw Error(
            fmt::format("--format {} needs the pictures of the pages; name them with --image", name_of(format).name));
      }
    }
    size_t done = 0;
    for (size_t i = 0; i < arguments_.inputs.size(); ++i) {
      try {
        convert(i);
        ++done;
      } catch (const Error& error) {
        complain(error.what());
      }
    }
    if (names_.combined() && done > 0) finish();
    if (done == 0) return exit_failed;
    return done < arguments_.inputs.size() || failed_pages_ > 0 ? exit_some_failed : exit_done;
  }

 private:
  void convert(size_t input) {
    const std::string name = arguments_.inputs[input].string();
    const std::string raw = raw_text(read_text_file(name == "-" ? "/dev/stdin" : name, largest_raw_file), name);
    const std::vector<std::string> pages = split_raw_pages(raw);
    // The pictures are for all inputs together.
    const size_t first = next_picture_;
    next_picture_ += pages.size();
    const bool last = input + 1 == arguments_.inputs.size();
    if (pictures_.size() > 0 && (next_picture_ > pictures_.size() || (last && next_picture_ < pictures_.size()))) {
      throw Error(fmt::format("{}: there {} of text, but {} with --image", name,
                              next_picture_ == 1 ? "is 1 page" : fmt::format("are {} pages", next_picture_),
                              pictures_.size() == 1 ? "1 page" : fmt::format("{} pages", pictures_.size())));
    }
    if (writers_.empty() || !names_.combined()) begin(input, name, pages.size());
    for (size_t i = 0; i < pages.size(); ++i) {
      write(name, pages[i], static_cast<int>(i) + 1, pictures_.size() > 0 ? std::optional(first + i) : std::nullopt);
    }
    if (!names_.combined()) finish();
  }

  void begin(size_t input, const std::string& name, size_t pages) {
    DocumentInfo info;
    const bool one_picture = arguments_.images.size() == 1 && arguments_.inputs.size() == 1;
    info.source = one_picture ? arguments_.images[0].string() : name;
    info.pages = static_cast<int>(pages);
    info.version = LECTERN_VERSION;
    writers_.clear();
    for (const Format format : formats_) {
      writers_.push_back(make_writer(format, names_.path(input, format), info, arguments_.output.options));
    }
  }

  void write(const std::string& name, const std::string& raw, int number, std::optional<size_t> picture) {
    DocumentPage page;
    page.number = number;
    page.raw = raw;
    page.width = page.height = layout_scale;
    SourcePage source;
    if (picture) {
      try {
        source = pictures_.page(*picture);
        page.width = source.picture.width;
        page.height = source.picture.height;
        page.dpi = source.dpi;
        page.turn = source.turn;
      } catch (const Error& error) {
        page.warnings.push_back({"no_picture", error.what(), std::nullopt});
        ++failed_pages_;
      }
    }
    lay_out(page);
    for (const Warning& warning : page.warnings)
      complain(fmt::format("{}: page {}: {}", name, number, warning.message));
    const Picture* const pixels = source.picture.width > 0 ? &source.picture : nullptr;
    for (const auto& writer : writers_) writer->page(page, pixels);
  }

  void finish() {
    for (const auto& writer : writers_) writer->finish();
    for (const auto& writer : writers_) {
      for (const std::string& warning : writer->warnings()) complain(warning);
    }
    writers_.clear();
  }

  const Arguments& arguments_;
  const std::vector<Format> formats_;
  const OutputNames names_;
  const PagePictures pictures_;
  size_t next_picture_ = 0;
  size_t failed_pages_ = 0;
  std::vector<std::unique_ptr<DocumentWriter>> writers_;
};

}  // namespace

Run add_convert(CLI::App& app) {
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
      ->check(CLI::Range(20, 2400).description(""));
  add_output_options(*command, arguments->output);
  return [arguments] { return Conversion(*arguments).run(); };
}

}  // namespace lectern::cli
