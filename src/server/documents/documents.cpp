#include "server/documents/documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "core/files/file.h"
#include "core/log.h"
#include "core/number.h"
#include "lectern/error.h"
#include "server/documents/document_fields.h"
#include "server/documents/document_results.h"
#include "server/documents/file_answer.h"
#include "server/documents/job_json.h"
#include "server/documents/result_options.h"
#include "server/documents/store/spare_room.h"
#include "server/openai/api_error.h"
#include "server/openai/unknown_model.h"

namespace lectern::server {
namespace {

using Kind = DocumentRoute::Kind;

constexpr size_t max_key_bytes = 255;
constexpr int request_threads = 2;
constexpr int upload_threads = 2;
constexpr std::chrono::minutes between_looks{1};  // for expired jobs

ApiError not_found() { return {404, "there is no such document", "", "not_found"}; }

// Checks an id of a client: "doc_" and 32 hexadecimal digits. It also names a folder.
bool is_id(std::string_view id) {
  constexpr size_t digits = 32;
  if (!id.starts_with("doc_") || id.size() != 4 + digits) return false;
  return id.find_first_not_of("0123456789abcdef", 4) == std::string_view::npos;
}

// A failure of the server without its details, which may name paths of this machine.
ApiError public_error(const Error& error) {
  if (concerns_the_place(error)) return {507, "the disk of the server is full; try again later", "", "disk_full"};
  log_info("documents.failed", {{"error", error.what()}});
  return {500, "the server failed at this request", "", "internal"};
}

}  // namespace

Documents::Documents(DocumentLimits limits, PageFeed& feed,
                     std::function<std::shared_ptr<ServedModel>(const std::string&)> model, int64_t max_pixels)
    : limits_(std::move(limits)),
      folder_(limits_.folder),
      made_(folder_),
      store_(folder_.database(), limits_.max_store_pages),
      place_{.folder = folder_,
             .store = store_,
             .events = events_,
             .feed = feed,
             .model = std::move(model),
             .max_pixels = max_pixels,
             .keep_seconds = limits_.keep.count(),
             .now = limits_.now},
      queue_(limits_.jobs_together, limits_.pause, [this](const JobTry& job) { return run(job); }),
      makers_(1),
      uploads_(upload_threads),
      requests_(request_threads) {
  store_.requeue_running();
  folder_.remove_others(store_.ids());
  expire();
  for (const DocumentJob& job : store_.waiting()) {
    events_.open(job.id);
    queue_.add(job.id, job.client);
  }
  housekeeper_ = std::thread([this] { keep_house(); });
}

Documents::~Documents() {
  {
    const std::lock_guard lock(house_);
    closing_ = true;
  }
  house_news_.notify_all();
  housekeeper_.join();
}

void Documents::drain(std::chrono::steady_clock::time_point until) {
  queue_.drain(until);
  events_.close();
}

void Documents::keep_house() {
  std::unique_lock lock(house_);
  while (!house_news_.wait_for(lock, between_looks, [&] { return closing_; })) {
    lock.unlock();
    try {
      expire();
    } catch (const std::exception& error) {
      log_info("documents.not_expired", {{"error", error.what()}});
    }
    lock.lock();
  }
}

RunEnd Documents::run(const JobTry& job) {
  try {
    const std::optional<DocumentJob> stored = store_.find(job.id);
    if (!stored) return RunEnd::ended;
    return run_document(*stored, place_, job.stop, job.hold, job.model_failures >= limits_.max_model_failures);
  } catch (const std::exception& error) {  // it is tried again
    log_info("documents.failed", {{"id", job.id}, {"error", error.what()}});
    return RunEnd::no_room;
  }
}

void Documents::forget(const std::string& id) {
  queue_.cancel(id);
  try {
    store_.remove(id);
  } catch (const Error& error) {
    if (!concerns_the_place(error)) throw;
    free_spare_room(limits_.folder);
    folder_.remove(id);
    store_.remove(id);
    keep_spare_room(limits_.folder);
  }
  folder_.remove(id);
}

void Documents::expire() {
  const std::lock_guard lock(room_);
  const int64_t now = limits_.now();
  store_.finished_by(now);
  for (;;) {
    const std::optional<DocumentJob> job = store_.first_ended();
    if (!job || *job->finished + limits_.keep.count() > now) break;
    forget(job->id);
  }
  make_room();
  keep_spare_room(limits_.folder);
}

// With the lock of it.
void Documents::make_room() {
  int64_t bytes = folder_.bytes();
  if (bytes > limits_.max_bytes) bytes -= made_.remove(bytes - limits_.max_bytes);
  while (bytes > limits_.max_bytes) {
    const std::optional<DocumentJob> job = store_.first_ended();
    if (!job) return;
    forget(job->id);
    bytes = folder_.bytes();
  }
}

std::shared_ptr<HttpForm> Documents::form(const HttpRequest& request) {
  const std::optional<DocumentRoute> route = document_route(request.path);
  if (!route || route->kind != Kind::list || request.method != "POST") return nullptr;
  return std::make_shared<Upload>(folder_.incoming() / request.id,
                                  UploadLimits{limits_.max_file_bytes, limits_.max_bytes}, arriving_);
}

void Documents::handle(const std::shared_ptr<HttpExchange>& exchange, const std::string& owner) {
  const std::optional<DocumentRoute> route = document_route(exchange->request().path);
  if (!route) return exchange->respond(error_response(not_found()));
  TaskQueue& queue = queue_for(*route, exchange->request());
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  if (&queue == &makers_) exchange->when_gone([gone] { *gone = true; });  // a client that hung up needs no result
  queue.run([this, exchange, route = *route, owner, gone] {
    if (!*gone) respond(exchange, route, owner);
  });
}

TaskQueue& Documents::queue_for(const DocumentRoute& route, const HttpRequest& request) {
  if (route.kind == Kind::result || route.kind == Kind::picture) return makers_;
  return route.kind == Kind::list && request.method == "POST" ? uploads_ : requests_;
}

void Documents::respond(const std::shared_ptr<HttpExchange>& exchange, const DocumentRoute& route,
                        const std::string& owner) {
  try {
    const Query query = query_of(route, exchange->request());
    if (route.kind == Kind::events) return watch(exchange, find(route.id, owner));
    exchange->respond(answer(*exchange, route, query, owner));
  } catch (const ApiError& error) {
    exchange->respond(error_response(error));
  } catch (const Error& error) {
    exchange->respond(error_response(public_error(error)));
  } catch (const std::bad_alloc&) {
    exchange->respond(error_response(ApiError(503, "not enough memory now", "", "busy").after(retry_seconds)));
  } catch (const std::exception& error) {
    exchange->respond(error_response(public_error(Error(error.what()))));
  }
}

HttpResponse Documents::answer(const HttpExchange& exchange, const DocumentRoute& route, const Query& query,
                               const std::string& owner) {
  const HttpRequest& request = exchange.request();
  if (route.kind == Kind::list) {
    if (request.method == "POST") return create(exchange, owner);
    return list(query, owner);
  }
  const DocumentJob job = find(route.id, owner);
  switch (route.kind) {
    case Kind::cancel: return cancel(job);
    case Kind::page: return page(job, route.number);
    case Kind::picture: return picture(job, route, query);
    case Kind::result: return result(job, query);
    case Kind::job:
    case Kind::list:
    case Kind::events: break;
  }
  return request.method == "DELETE" ? remove(job) : HttpResponse{.body = job_json(job, limits_.keep.count())};
}

// The newest first, or those after the job that `after` names.
HttpResponse Documents::list(const Query& query, const std::string& owner) {
  std::vector<DocumentJob> jobs;
  const auto after = query.find("after");
  if (after != query.end()) static_cast<void>(find(after->second, owner));
  if (!owner.empty()) {
    jobs = store_.of_owner(owner, limits_.max_listed + 1, after == query.end() ? "" : after->second);
  }
  const bool has_more = jobs.size() > static_cast<size_t>(limits_.max_listed);
  if (has_more) jobs.pop_back();
  return {.body = list_json(jobs, has_more, limits_.keep.count())};
}

// Jobs of other owners are not found either, so that nobody learns that they exist.
DocumentJob Documents::find(const std::string& id, const std::string& owner) {
  std::optional<DocumentJob> job = is_id(id) ? store_.find(id) : std::nullopt;
  if (!job || (!owner.empty() && job->owner != owner)) throw not_found();
  return std::move(*job);
}

HttpResponse Documents::same(const DocumentJob& before, const Upload& upload) const {
  if (before.digest != upload.digest()) {
    throw ApiError(409, "Idempotency-Key: another document, or other fields, were sent with this key before", "",
                   "idempotency_mismatch");
  }
  return {.body = job_json(before, limits_.keep.count()),
          .headers = {{"Location", fmt::format("{}/{}", documents_root, before.id)}}};
}

HttpResponse Documents::create(const HttpExchange& exchange, const std::string& owner) {
  const HttpRequest& request = exchange.request();
  const auto upload = std::static_pointer_cast<Upload>(exchange.form());
  const std::string& key = request.idempotency_key;
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (key.size() > max_key_bytes || !std::ranges::all_of(key, printable)) {
    throw ApiError(400, fmt::format("Idempotency-Key: expected 1 to {} printable characters", max_key_bytes), "",
                   "invalid_value");
  }
  const DocumentFields fields = parse_document_fields(upload->fields());
  const std::shared_ptr<ServedModel> model = place_.model(fields.model);
  if (model == nullptr) throw unknown_model(fields.model);
  try {
    model->check(fields.options);
  } catch (const Error& error) {
    throw ApiError(400, error.what(), "", "unsupported_option");
  }
  upload->finish();
  // One at a time: two with the same key become one job.
  const std::lock_guard lock(room_);
  if (!key.empty()) {
    if (const std::optional<DocumentJob> before = store_.find_same(owner, key)) return same(*before, *upload);
  }
  if (queue_.waiting() >= limits_.max_waiting) {
    throw ApiError(429, "too many documents wait to be read; try again later", "", "queue_full").after(retry_seconds);
  }
  make_room();
  if (folder_.bytes() > limits_.max_bytes) {
    throw ApiError(507, "there is no room for this document; delete others, or try again later", "file", "disk_full");
  }
  DocumentJob job;
  job.id = "doc_" + request.id;
  job.owner = owner;
  job.client = owner.empty() ? request.client : owner;
  if (!key.empty()) job.idempotency_key = key;
  job.digest = upload->digest();
  job.name = upload->name();
  job.model = model->name();
  job.options = fields_to_json(upload->fields());
  job.created = limits_.now();
  folder_.keep(upload->path(), job.id);
  try {
    events_.open(job.id);
    store_.add(job);
  } catch (...) {
    events_.end(job.id, "");
    folder_.remove(job.id);
    throw;
  }
  queue_.add(job.id, job.client);
  return {.status = 201,
          .body = job_json(job, limits_.keep.count()),
          .headers = {{"Location", fmt::format("{}/{}", documents_root, job.id)}}};
}

HttpResponse Documents::cancel(const DocumentJob& job) {
  if (store_.end(job.id, JobStatus::cancelled, limits_.now())) {
    queue_.cancel(job.id);
    tell_end(place_, job.id);
  }
  const std::optional<DocumentJob> after = store_.find(job.id);
  if (!after) throw not_found();
  return {.body = job_json(*after, limits_.keep.count())};
}

HttpResponse Documents::remove(const DocumentJob& job) {
  try {
    cancel(job);
  } catch (const Error& error) {
    if (!concerns_the_place(error)) throw;
    events_.end(job.id, job_json(job, limits_.keep.count()));  // with the state it has: it is deleted
  }
  forget(job.id);
  return {.body = fmt::format(R"({{"id":"{}","object":"document.deleted","deleted":true}})", job.id)};
}

HttpResponse Documents::page(const DocumentJob& job, int number) {
  const std::optional<StoredPage> stored = store_.page(job.id, number);
  if (stored) return {.body = page_json(*stored, options_of_result(job, {}))};
  const std::vector<int> numbers = page_numbers(job);
  if (std::ranges::find(numbers, number) == numbers.end()) {
    if (numbers.empty() && !has_ended(job.status)) {
      throw ApiError(409, "the document was not opened yet; its pages are not known", "", "not_ready");
    }
    throw ApiError(404, fmt::format("the document has no page {} that is read", number), "", "not_found");
  }
  return {.body = page_json(number, events_.reading(job.id, number))};
}

HttpResponse Documents::picture(const DocumentJob& job, const DocumentRoute& route, const Query& query) {
  int width = 0;
  if (const auto asked = query.find("width"); asked != query.end()) {
    const std::optional<int64_t> number = whole_number(asked->second);
    if (!number || *number < 1 || *number > INT32_MAX) {
      throw ApiError(400, "width: expected a number of pixels", "width", "invalid_value");
    }
    width = static_cast<int>(*number);
  }
  const std::vector<int> numbers = page_numbers(job);
  if (numbers.empty() && !has_ended(job.status)) {
    throw ApiError(409, "the document was not opened yet; its pages are not known", "", "not_ready");
  }
  if (std::ranges::find(numbers, route.number) == numbers.end()) {
    throw ApiError(404, fmt::format("the document has no page {} that is read", route.number), "", "not_found");
  }
  const MadeFiles::Use use(made_, job.id);
  try {
    return file_answer(make_page_picture(job, route.number, width, folder_, store_, place_.max_pixels), "image/jpeg");
  } catch (const SystemError&) {
    if (!store_.find(job.id)) throw not_found();  // it was deleted meanwhile
    throw;
  } catch (const Error& error) {
    throw ApiError(422, error.what(), "", "invalid_document");
  }
}

HttpResponse Documents::result(const DocumentJob& job, const Query& query) {
  const auto asked = query.find("format");
  const ResultFormat& format = result_format(asked == query.end() ? "md" : asked->second);
  const OutputOptions options = options_of_result(job, query);
  if (!has_ended(job.status)) {
    throw ApiError(409, "the document was not read to its end; there is a result when its status says so", "",
                   "not_finished");
  }
  if (job.done == job.failed) {
    throw ApiError(409, "nothing of the document was read; there is no result", "", "no_result");
  }
  const MadeFiles::Use use(made_, job.id);
  try {
    const MadeResult made = make_result(job, format, options, folder_, store_, place_.max_pixels);
    HttpResponse response = file_answer(made.file, format.type);
    response.headers.emplace_back("Content-Disposition", attachment(result_name(job, format)));
    if (!made.warnings.empty()) response.headers.emplace_back("X-Lectern-Warnings", header_text(made.warnings));
    return response;
  } catch (const SystemError&) {
    if (!store_.find(job.id)) throw not_found();
    throw;
  } catch (const ApiError&) {
    throw;
  } catch (const Error& error) {
    throw ApiError(422, error.what(), "format", "unsupported_format");
  }
}

void Documents::watch(const std::shared_ptr<HttpExchange>& exchange, const DocumentJob& job) {
  events_.watch(job.id, exchange, exchange->request().last_event_id, [&] {
    DocumentEvents::Standing standing;
    const std::optional<DocumentJob> current = store_.find(job.id);
    standing.job = job_json(current.value_or(job), limits_.keep.count());
    for (const StoredPage& page : store_.page_states(job.id)) {
      standing.pages.emplace_back(page.number, page.state == PageState::failed);
    }
    return standing;
  });
}

}  // namespace lectern::server
