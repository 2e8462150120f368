#include "server/documents/document_results.h"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "core/files/file.h"
#include "image/picture_encoder.h"
#include "input/page_source.h"
#include "input/pdf_assembly.h"
#include "job/outputs.h"
#include "lectern/error.h"
#include "output/writer.h"
#include "server/documents/job_json.h"
#include "server/documents/job_source.h"
#include "server/documents/result_options.h"
#include "server/json_line.h"
#include "server/openai/api_error.h"

namespace lectern::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::array<ResultFormat, 7> formats = {{{"md", "text/markdown; charset=utf-8"},
                                                  {"txt", "text/plain; charset=utf-8"},
                                                  {"json", "application/json"},
                                                  {"html", "text/html; charset=utf-8"},
                                                  {"hocr", "text/html; charset=utf-8"},
                                                  {"pdf", "application/pdf"},
                                                  {"zip", "application/zip"}}};
constexpr int jpeg_quality = 90;
constexpr std::array<int, 5> widths = {160, 320, 640, 1280, 2560};  // in pixels, of pictures that are kept

std::string stem_of(const DocumentJob& job) {
  const std::string stem = fs::path(job.name).stem().string();
  return stem.empty() ? "document" : stem;
}

// Writes the pages in the order of the document, with their pictures if the format needs them. Returns what could not
// be written as requested.
std::vector<std::string> write_pages(const DocumentJob& job, Format format, const OutputOptions& options,
                                     const fs::path& file, const DataFolder& folder, DocumentStore& store,
                                     int64_t max_pixels) {
  std::unique_ptr<PageSource> source;
  std::shared_ptr<const OriginalFile> original;
  if (format_info(format).needs_pictures) {
    source = open_job(job, folder, max_pixels, format == Format::pdf ? text_to_find(options) : FindText::no);
    original = source->original();
    if (format == Format::pdf && original) check_original(*original, options);
  }
  const std::unique_ptr<DocumentWriter> writer =
      make_writer(format, Destination(file), info_from(job.info), options, assemble_pdf);
  for (const StoredPage& state : store.page_states(job.id)) {
    const std::optional<StoredPage> stored = store.page(job.id, state.number);
    if (!stored) throw ApiError(404, "there is no such document", "", "not_found");
    Page page = page_from(*stored);
    std::optional<SourcePage> read;
    if (source && page.error.empty() && needs_picture(format, page, options)) {
      read = page_as_read(*source, page.number, page.turn);
    }
    if (read) page.has_text = read->has_text;
    const PageOrigin origin = {original, page.number - 1};
    writer->page_of(origin, page, read ? &read->picture : nullptr);
  }
  writer->finish();
  return writer->warnings();
}

// File of a result's warnings, beside it: "result.warnings.md".
fs::path warnings_file(fs::path result) {
  const std::string extension = result.extension().string();
  return result.replace_extension(".warnings" + extension);
}

void keep_warnings(const fs::path& result, const std::vector<std::string>& warnings) {
  if (warnings.empty()) return;
  AtomicFile writing(warnings_file(result));
  writing.write(one_line(json(warnings)));
  writing.commit();
}

std::vector<std::string> kept_warnings(const fs::path& result) {
  const fs::path file = warnings_file(result);
  std::error_code none;
  if (!fs::exists(file, none)) return {};
  constexpr size_t max_bytes = size_t{1} << 20;
  return json::parse(read_text_file(file, max_bytes)).get<std::vector<std::string>>();
}

// Removes the results of this format, whatever their options.
void remove_results(const fs::path& folder, const ResultFormat& format) {
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, none)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("result") && name.ends_with(fmt::format(".{}", format.name))) fs::remove(entry.path(), none);
  }
}

[[noreturn]] void fail(zip_t* made, const fs::path& file) {
  zip_error_t* const error = zip_get_error(made);
  const int number = zip_error_system_type(error) == ZIP_ET_SYS ? zip_error_code_system(error) : EIO;
  throw system_error(file, "cannot be written", number);
}

// Writes the archive, which gets its name when it is complete. Throws Error.
void write_archive(const std::vector<std::pair<fs::path, std::string>>& files, int64_t time, const fs::path& file) {
  int failure = 0;
  const auto discard = [](zip_t* open) { zip_discard(open); };
  std::unique_ptr<zip_t, decltype(discard)> made(zip_open(file.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &failure), discard);
  if (made == nullptr) throw system_error(file, "cannot be written", errno);
  for (const auto& [from, name] : files) {
    zip_source_t* const content = zip_source_file(made.get(), from.c_str(), 0, -1);
    if (content == nullptr) fail(made.get(), file);
    const zip_int64_t index = zip_file_add(made.get(), name.c_str(), content, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(content);
      fail(made.get(), file);
    }
    zip_file_set_mtime(made.get(), static_cast<zip_uint64_t>(index), time, 0);
  }
  if (zip_close(made.get()) != 0) fail(made.get(), file);
  static_cast<void>(made.release());
}

}  // namespace

const ResultFormat& result_format(std::string_view name) {
  const auto* const found = std::ranges::find(formats, name, &ResultFormat::name);
  if (found == formats.end()) {
    std::string known;
    for (const ResultFormat& format : formats) {
      if (!known.empty()) known += &format == &formats.back() ? " or " : ", ";
      known += format.name;
    }
    throw ApiError(400, "format: expected " + known, "format", "invalid_value");
  }
  return *found;
}

std::string result_name(const DocumentJob& job, const ResultFormat& format) {
  if (format.name == "zip") return stem_of(job) + ".zip";
  return stem_of(job) + std::string(format_info(format_named(format.name)).extensions[0]);
}

MadeResult make_result(const DocumentJob& job, const ResultFormat& format, const OutputOptions& options,
                       const DataFolder& folder, DocumentStore& store, int64_t max_pixels) {
  MadeResult made;
  made.file = folder.job(job.id) / fmt::format("result{}.{}", result_tag(options), format.name);
  std::error_code none;
  if (fs::exists(made.file, none)) {
    made.warnings = kept_warnings(made.file);
    return made;
  }
  remove_results(folder.job(job.id), format);
  if (format.name != "zip") {
    const fs::path making = folder.job(job.id) / fmt::format("making.{}", format.name);
    fs::remove(making, none);  // left by a killed process
    made.warnings = write_pages(job, format_named(format.name), options, making, folder, store, max_pixels);
    try {
      keep_warnings(made.file, made.warnings);
      if (::rename(making.c_str(), made.file.c_str()) != 0) throw system_error(made.file, "cannot be made", errno);
    } catch (...) {  // the disk may be full
      fs::remove(making, none);
      throw;
    }
    return made;
  }
  std::vector<std::pair<fs::path, std::string>> files;
  for (const ResultFormat& each : formats) {
    if (each.name == "zip") continue;
    try {
      MadeResult part = make_result(job, each, options, folder, store, max_pixels);
      files.emplace_back(std::move(part.file), result_name(job, each));
      std::ranges::move(part.warnings, std::back_inserter(made.warnings));
    } catch (const SystemError&) {
      throw;
    } catch (const ApiError&) {
      throw;
    } catch (const Error& error) {
      if (each.name != "pdf") throw;  // the document may not allow one
      made.warnings.emplace_back(error.what());
    }
  }
  keep_warnings(made.file, made.warnings);
  write_archive(files, job.finished.value_or(job.created), made.file);
  return made;
}

fs::path make_page_picture(const DocumentJob& job, int number, int width, const DataFolder& folder,
                           DocumentStore& store, int64_t max_pixels) {
  const auto* const step = std::ranges::find_if(widths, [&](int kept) { return kept >= width; });
  const bool whole = width == 0 || step == widths.end();
  fs::path file =
      folder.job(job.id) / (whole ? fmt::format("page-{}.jpg", number) : fmt::format("page-{}-{}.jpg", number, *step));
  std::error_code none;
  if (fs::exists(file, none)) return file;
  const auto source = open_job(job, folder, max_pixels);
  const std::optional<StoredPage> stored = store.page(job.id, number);
  const Picture picture = stored && stored->state == PageState::done
                              ? page_as_read(*source, number, page_from(*stored).turn).picture
                              : source->page(number - 1).picture;
  int max_side = 0;
  if (!whole && *step < picture.width) {
    max_side = picture.height > picture.width
                   ? static_cast<int>(int64_t{picture.height} * *step / std::max(1, picture.width))
                   : *step;
  }
  AtomicFile writing(file);
  writing.write(encode_jpeg(picture, jpeg_quality, std::max(max_side, 0)));
  writing.commit();
  return file;
}

}  // namespace lectern::server
