#include "server/documents/jobs/document_run.h"

#include <fmt/format.h>

#include <optional>
#include <utility>
#include <vector>

#include "core/files/file.h"
#include "core/log.h"
#include "input/page_range.h"
#include "job/page_preparation.h"
#include "job/pipeline.h"
#include "lectern/error.h"
#include "server/documents/document_fields.h"
#include "server/documents/job_json.h"
#include "server/documents/job_source.h"
#include "server/documents/jobs/feed_pool.h"

namespace lectern::server {
namespace {

constexpr size_t pages_ahead = 16;                    // of a job, with the feed or before it
constexpr size_t picture_memory = size_t{128} << 20;  // of the pages of a job
constexpr size_t group_memory = size_t{512} << 20;    // of those that are read in one sequence

class JobRun {
 public:
  JobRun(const DocumentJob& job, const DocumentPlace& place, std::stop_token stop, std::stop_token hold)
      : job_(job), place_(place), stop_(std::move(stop)), hold_(std::move(hold)) {}

  RunEnd run(bool is_last_try);

 private:
  RunEnd read(std::shared_ptr<ServedModel> model, const DocumentFields& fields);
  PipelineDocument document(const DocumentFields& fields);
  void take(const PipelineEvent& event);
  void take_page(const Page& page);
  void take_news(int number, const PageNews& news) const;
  std::string why_no_page();
  RunEnd fail(const std::string& message, const std::string& code);
  RunEnd end(JobStatus status, const std::string& message = "", const std::string& code = "");

  const DocumentJob& job_;
  const DocumentPlace& place_;
  const std::stop_token stop_, hold_;
  DocumentInfo info_;
  std::vector<int> numbers_;             // chosen; of the rendering thread until the document is open
  std::optional<std::string> unopened_;  // why it could not be opened
};

PipelineDocument JobRun::document(const DocumentFields& fields) {
  PipelineDocument document;
  document.name = job_.name;
  document.open = [this] { return open_job(job_, place_.folder, place_.max_pixels, FindText::no, stop_); };
  document.choose = [this, range = fields.pages](int pages) {
    try {
      std::vector<int> indices = pages_in(range, pages);
      for (const int index : indices) numbers_.push_back(index + 1);
      return indices;
    } catch (const Error& error) {
      throw Error(job_.name + ": " + error.what(), error.code());
    }
  };
  document.known = [this](int index) -> std::optional<Page> {
    const std::optional<StoredPage> stored = place_.store.page(job_.id, index + 1);
    return stored ? std::optional(page_from(*stored)) : std::nullopt;
  };
  return document;
}

void JobRun::take_news(int number, const PageNews& news) const {
  if (news.kind == PageNews::Kind::begun) place_.events.page_begun(job_.id, number, news.price);
  if (news.kind == PageNews::Kind::text) place_.events.text(job_.id, number, news.keep, news.more);
}

void JobRun::take_page(const Page& page) {
  if (page.finish == Finish::stopped) return;
  const bool failed = !page.error.empty();
  const StoredPage stored = {page.number, failed ? PageState::failed : PageState::done, stored_page(page)};
  if (!place_.store.add_page(job_.id, stored)) return;  // it was cancelled
  place_.events.page_ended(job_.id, page.number, failed);
  tell_change(place_, job_.id);
}

void JobRun::take(const PipelineEvent& event) {
  switch (event.kind) {
    case PipelineEvent::Kind::opened:
      info_.pages = event.pages;
      if (place_.store.opened(job_.id, static_cast<int64_t>(numbers_.size()), numbers_json(numbers_),
                              stored_info(info_))) {
        tell_change(place_, job_.id);
      }
      return;
    case PipelineEvent::Kind::failed: unopened_ = event.message; return;
    case PipelineEvent::Kind::finished: return take_page(*event.page);
    case PipelineEvent::Kind::begin:
    case PipelineEvent::Kind::page:
    case PipelineEvent::Kind::end:
    case PipelineEvent::Kind::known:
    case PipelineEvent::Kind::text:
    case PipelineEvent::Kind::progress:
    case PipelineEvent::Kind::lost: return;
  }
}

// Of the first that was to be read, which are all of them as a rule.
std::string JobRun::why_no_page() {
  const std::optional<StoredPage> first = place_.store.page(job_.id, numbers_.front());
  std::string why = first ? page_from(*first).error : "";
  if (numbers_.size() == 1 && !why.empty()) return why;
  return fmt::format("none of its {} pages could be read{}{}", numbers_.size(),
                     why.empty() ? "" : "; of the first: ", why);
}

RunEnd JobRun::end(JobStatus status, const std::string& message, const std::string& code) {
  if (place_.store.end(job_.id, status, place_.now(), message, code)) tell_end(place_, job_.id);
  return RunEnd::ended;
}

RunEnd JobRun::fail(const std::string& message, const std::string& code) {
  return end(JobStatus::failed, message, code);
}

RunEnd JobRun::read(std::shared_ptr<ServedModel> model, const DocumentFields& fields) {
  info_ = model->info();
  info_.source = job_.name;
  FeedPoolOrder order;
  order.client = "documents of " + job_.client;  // beside the turns of its other requests
  order.options = fields.options;
  if (order.options.prompt.empty()) order.options.prompt = info_.prompt;
  info_.prompt = order.options.prompt;
  order.model = std::move(model);
  order.hold = hold_;
  order.news = [this](int number, const PageNews& news) { take_news(number, news); };
  PipelineOptions options;
  options.memory = picture_memory;
  options.ahead = pages_ahead;
  options.stop = stop_;
  options.pages_together = fields.options.pages_together;
  options.group_memory = group_memory;
  options.prepare = [upright = fields.upright](SourcePage& source, Page& page) { prepare_page(source, page, upright); };
  const auto make_pool = [&](const std::stop_source& stop, std::function<void(WorkerEvent)> tell) {
    return std::make_unique<FeedPool>(place_.feed, order, stop, std::move(tell));
  };
  const PipelineReport report =
      run_pipeline({document(fields)}, make_pool, options, [this](const PipelineEvent& event) { take(event); });
  if (unopened_) return stop_.stop_requested() ? RunEnd::stopped : fail(*unopened_, "invalid_document");
  if (report.stopped) return RunEnd::stopped;
  const std::optional<DocumentJob> after = place_.store.find(job_.id);
  if (after && after->failed > 0 && after->failed == after->pages) {
    return fail(why_no_page(), "pages_failed");
  }
  return end(JobStatus::completed);
}

RunEnd JobRun::run(bool is_last_try) try {
  if (!place_.store.begin(job_.id, place_.now())) return RunEnd::ended;  // it was cancelled
  tell_change(place_, job_.id);
  const DocumentFields fields = fields_of(job_);
  std::shared_ptr<ServedModel> model;
  try {
    model = place_.model(job_.model);
  } catch (const Error& error) {
    log_info("document.no_model", {{"id", job_.id}, {"model", job_.model}, {"error", error.what()}});
    if (!is_last_try || hold_.stop_requested()) return RunEnd::no_model;
    return fail("the model '" + job_.model + "' cannot be loaded; the server's log says why", "model_not_loaded");
  }
  if (model == nullptr) return fail("the model '" + job_.model + "' is not served any more", "model_not_found");
  return read(std::move(model), fields);
} catch (const Error& error) {
  log_info("document.interrupted", {{"id", job_.id}, {"error", error.what()}});
  if (concerns_the_place(error)) return RunEnd::no_room;
  return fail("it could not be read: an error of the server's, which its log names", "internal");
} catch (const std::bad_alloc&) {
  return RunEnd::no_room;
}

}  // namespace

void tell_change(const DocumentPlace& place, const std::string& id) {
  if (const std::optional<DocumentJob> job = place.store.find(id)) {
    place.events.changed(id, job_json(*job, place.keep_seconds));
  }
}

void tell_end(const DocumentPlace& place, const std::string& id) {
  if (const std::optional<DocumentJob> job = place.store.find(id)) {
    place.events.end(id, job_json(*job, place.keep_seconds));
  }
}

RunEnd run_document(const DocumentJob& job, const DocumentPlace& place, const std::stop_token& stop,
                    const std::stop_token& hold, bool is_last_try) {
  const RunEnd end = JobRun(job, place, stop, hold).run(is_last_try);
  try {
    if (end != RunEnd::ended && place.store.put_back(job.id)) tell_change(place, job.id);
  } catch (const Error& error) {  // the disk is still full: the next start puts it back
    log_info("document.not_put_back", {{"id", job.id}, {"error", error.what()}});
  }
  return end;
}

}  // namespace lectern::server
