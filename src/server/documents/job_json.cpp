#include "server/documents/job_json.h"

#include <nlohmann/json.hpp>

#include "lectern/error.h"
#include "lectern/output.h"
#include "output/json/page_json.h"
#include "server/documents/document_fields.h"
#include "server/json_line.h"

namespace lectern::server {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

ordered_json or_null(const std::optional<int64_t>& value) { return value ? ordered_json(*value) : ordered_json(); }

// The options as given, without the secret one.
ordered_json shown_options(const DocumentJob& job) {
  ordered_json options = ordered_json::parse(job.options);
  options.erase(std::string(secret_field));
  return options;
}

ordered_json job_object(const DocumentJob& job, int64_t keep_seconds) {
  ordered_json object = {{"object", "document"},
                         {"id", job.id},
                         {"status", std::string(name_of(job.status))},
                         {"name", job.name},
                         {"model", job.model},
                         {"options", shown_options(job)},
                         {"created", job.created},
                         {"started", or_null(job.started)},
                         {"finished", or_null(job.finished)},
                         {"pages", or_null(job.pages)},
                         {"done", job.done},
                         {"failed_pages", job.failed},
                         {"error", nullptr},
                         {"expires", nullptr}};
  if (!job.error.empty()) object["error"] = {{"message", job.error}, {"code", job.error_code}};
  if (job.finished) object["expires"] = *job.finished + keep_seconds;
  // The numbers, unless these are all pages.
  if (object["options"].contains("pages") && !job.numbers.empty()) {
    object["numbers"] = ordered_json::parse(job.numbers);
  }
  return object;
}

ordered_json page_object(int number, const char* state) {
  return {{"object", "document.page"}, {"number", number}, {"state", state}, {"error", nullptr}};
}

}  // namespace

std::string job_json(const DocumentJob& job, int64_t keep_seconds) { return one_line(job_object(job, keep_seconds)); }

std::string list_json(const std::vector<DocumentJob>& jobs, bool has_more, int64_t keep_seconds) {
  ordered_json data = ordered_json::array();
  for (const DocumentJob& job : jobs) data.push_back(job_object(job, keep_seconds));
  return one_line({{"object", "list"}, {"data", std::move(data)}, {"has_more", has_more}});
}

std::string page_json(const StoredPage& stored, const OutputOptions& options) {
  const Page page = page_from(stored);
  ordered_json object = page_object(stored.number, stored.state == PageState::done ? "done" : "failed");
  if (!page.error.empty()) object["error"] = {{"message", page.error}, {"code", "page_failed"}};
  if (stored.state == PageState::failed) return one_line(object);
  object["page"] = page_to_json(page);
  object["markdown"] = render(page, Format::markdown, nullptr, options);
  object["text"] = page.text();
  return one_line(object);
}

std::string page_json(int number, const std::optional<PagePrice>& reading) {
  ordered_json object = page_object(number, reading ? "reading" : "queued");
  if (reading && reading->seconds > 0) object["expected"] = price_to_json(*reading);
  return one_line(object);
}

std::vector<int> page_numbers(const DocumentJob& job) {
  return job.numbers.empty() ? std::vector<int>() : json::parse(job.numbers).get<std::vector<int>>();
}

std::string numbers_json(const std::vector<int>& numbers) { return json(numbers).dump(); }

std::string stored_info(const DocumentInfo& info) {
  return one_line({{"source", info.source},
                   {"pages", info.pages},
                   {"version", info.version},
                   {"model", info.model},
                   {"weights", std::string(name_of(info.weights))},
                   {"device", info.device},
                   {"prompt", info.prompt},
                   {"lowered", info.lowered}});
}

DocumentInfo info_from(const std::string& stored) {
  const json object = json::parse(stored);
  DocumentInfo info;
  object.at("source").get_to(info.source);
  object.at("pages").get_to(info.pages);
  object.at("version").get_to(info.version);
  object.at("model").get_to(info.model);
  info.weights = named<Weights>(object.at("weights").get<std::string>());
  object.at("device").get_to(info.device);
  object.at("prompt").get_to(info.prompt);
  object.at("lowered").get_to(info.lowered);
  return info;
}

std::string stored_page(const Page& page) { return one_line(page_to_json(page)); }

Page page_from(const StoredPage& page) { return page_from_json(json::parse(page.json)); }

}  // namespace lectern::server
