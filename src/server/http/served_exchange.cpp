#include "server/http/served_exchange.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/text.h"
#include "core/unique_fd.h"
#include "server/http/event_stream.h"

namespace lectern::server {
namespace {

// How much of a refused body is still read, in maximum bodies, so that the client gets to read why.
constexpr size_t discarded_bodies = 4;
constexpr size_t form_buffer_bytes = size_t{16} << 10;  // for the head of a part

}  // namespace

int socket_of(MHD_Connection* connection) {
  const MHD_ConnectionInfo* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info == nullptr ? -1 : info->connect_fd;
}

ServedExchange::ServedExchange(ExchangePlace& place, MHD_Connection* connection, HttpRequest request)
    : place_(place),
      all_bodies_(place.body_bytes),
      request_(std::move(request)),
      socket_(socket_of(connection)),
      connection_(connection) {}

void ServedExchange::count_body(size_t bytes) {
  *all_bodies_ += bytes;
  *all_bodies_ -= std::exchange(counted_, bytes);
}

void ServedExchange::drop_body() {
  body_ = {};
  count_body(0);
}

bool ServedExchange::is_beyond_reading(size_t announced_bytes) const {
  return announced_bytes > discarded_bodies * place_.limits.body_bytes;
}

void ServedExchange::resume() {
  if (!std::exchange(suspended_, false)) return;
  MHD_resume_connection(connection_);
}

void ServedExchange::respond(HttpResponse response) {
  const std::lock_guard lock(mutex_);
  if (response_ || is_gone_) return;
  response_ = std::move(response);
  ended_ = true;
  resume();
}

void ServedExchange::begin(HttpResponse head) {
  const std::lock_guard lock(mutex_);
  if (response_ || is_gone_) return;
  streams_ = true;
  has_events_ = head.type == event_stream_type;
  pending_ = std::exchange(head.body, {});
  response_ = std::move(head);
  resume();
}

void ServedExchange::write(std::string_view more) {
  const std::lock_guard lock(mutex_);
  if (is_gone_ || ended_ || !streams_ || more.empty()) return;
  if (pending_.size() - pending_begin_ + more.size() > place_.limits.unsent_bytes) return cut_off();
  if (pending_begin_ > pending_.size() / 2) pending_.erase(0, std::exchange(pending_begin_, 0));
  pending_ += more;
  is_quiet_ = false;
  resume();
}

// Called with the lock. The writer may hold a lock that gone_ needs, so the library's thread calls it.
void ServedExchange::cut_off() {
  is_gone_ = aborted_ = true;
  pending_ = {};
  pending_begin_ = 0;
  place_.watch.limit(socket_, std::chrono::milliseconds(0));
  resume();
}

void ServedExchange::keep_alive() {
  const std::lock_guard lock(mutex_);
  if (!has_events_ || ended_ || is_gone_ || !std::exchange(is_quiet_, true) || !pending_.empty()) return;
  pending_ += sent_comment;
  resume();
}

void ServedExchange::end() {
  const std::lock_guard lock(mutex_);
  if (is_gone_) return;
  ended_ = true;
  resume();
}

void ServedExchange::when_gone(std::function<void()> gone) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_gone_) {
      gone_ = std::move(gone);
      return;
    }
  }
  gone();
}

// Called before the connection goes on, so that a request recorded as gone has called gone_.
void ServedExchange::abort() {
  const std::lock_guard telling(telling_);
  tell_of_gone();
  const std::lock_guard lock(mutex_);
  aborted_ = true;
  resume();
}

void ServedExchange::tell_of_gone() {
  std::function<void()> gone;
  {
    const std::lock_guard lock(mutex_);
    is_gone_ = true;
    gone = std::exchange(gone_, nullptr);
  }
  if (gone) gone();
}

// The client sends nothing more: it hung up, unless it only waits for the rest of a complete response.
void ServedExchange::hang_up() {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
  }
  abort();
}

bool ServedExchange::expect_form(std::shared_ptr<HttpForm> form) {
  // The library also takes application/x-www-form-urlencoded, as which `curl --data-binary` sends any file.
  constexpr std::string_view multipart = "multipart/form-data";
  const std::string_view type = std::string_view(request_.content_type).substr(0, multipart.size());
  if (!equals_in_any_case(type, multipart)) return false;
  const auto take = [](void* self, MHD_ValueKind, const char* name, const char* file_name, const char*, const char*,
                       const char* data, uint64_t offset, size_t size) {
    auto& exchange = *static_cast<ServedExchange*>(self);
    const HttpForm::Piece piece = {.name = name == nullptr ? "" : name,
                                   .file_name = file_name == nullptr ? "" : file_name,
                                   .bytes = std::string_view(data, data == nullptr ? 0 : size),
                                   .offset = offset};
    exchange.refusal_ = exchange.form_->take(piece);
    return exchange.refusal_ ? MHD_NO : MHD_YES;
  };
  form_ = std::move(form);
  form_reader_.reset(MHD_create_post_processor(connection_, form_buffer_bytes, take, this));
  return form_reader_ != nullptr;
}

void ServedExchange::take_form(const char* data, size_t size) {
  form_bytes_ += size;
  if (form_bytes_ > form_->max_bytes())
    return refuse(place_.handler.limited(MHD_HTTP_CONTENT_TOO_LARGE, form_->max_bytes()));
  if (MHD_post_process(form_reader_.get(), data, size) == MHD_YES || refusal_) return;
  refuse(place_.handler.limited(MHD_HTTP_BAD_REQUEST, 0));
}

void ServedExchange::end_form() {
  if (MHD_destroy_post_processor(form_reader_.release()) == MHD_YES || refusal_) return;
  refuse(place_.handler.limited(MHD_HTTP_BAD_REQUEST, 0));
}

MHD_Result ServedExchange::take_body(const char* data, size_t size) {
  if (!refusal_ && form_) {
    take_form(data, size);
    if (!refusal_) return MHD_YES;
  } else if (!refusal_ && body_.size() + size > place_.limits.body_bytes) {
    refuse(place_.handler.limited(MHD_HTTP_CONTENT_TOO_LARGE, place_.limits.body_bytes));
  } else if (!refusal_ && *all_bodies_ + size > place_.limits.all_bodies_bytes) {
    refuse(place_.handler.limited(MHD_HTTP_SERVICE_UNAVAILABLE, 0));
  }
  if (refusal_) {
    drop_body();
    discarded_ += size;
    return discarded_ > discarded_bodies * place_.limits.body_bytes ? MHD_NO : MHD_YES;
  }
  body_.append(data, size);
  count_body(body_.size());
  return MHD_YES;
}

MHD_Result ServedExchange::queue(const HttpResponse& response, bool stream) {
  MHD_Response* made = nullptr;
  if (stream) {
    // The library keeps the exchange until it has sent the response.
    const auto reader = [](void* self, uint64_t, char* buffer, size_t size) {
      return (*static_cast<std::shared_ptr<ServedExchange>*>(self))->read(buffer, size);
    };
    auto holder = std::make_unique<std::shared_ptr<ServedExchange>>(shared_from_this());
    constexpr size_t block = 4096;
    made = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, block, reader, holder.get(), [](void* self) {
      const std::unique_ptr<std::shared_ptr<ServedExchange>> owner(static_cast<std::shared_ptr<ServedExchange>*>(self));
    });
    if (made != nullptr) static_cast<void>(holder.release());
  } else if (response.file) {
    // The library reads through a descriptor of its own, and closes it.
    UniqueFd copy(::fcntl(response.file->get(), F_DUPFD_CLOEXEC, 0));
    struct stat status {};
    if (!copy || ::fstat(copy.get(), &status) != 0) return MHD_NO;
    made = MHD_create_response_from_fd64(static_cast<uint64_t>(status.st_size), copy.get());
    if (made != nullptr) static_cast<void>(copy.release());
    record_.bytes = status.st_size;
  } else {
    made = MHD_create_response_from_buffer(response.body.size(), const_cast<char*>(response.body.data()),
                                           MHD_RESPMEM_MUST_COPY);
    record_.bytes = static_cast<int64_t>(response.body.size());
  }
  if (made == nullptr) return MHD_NO;
  const std::unique_ptr<MHD_Response, void (*)(MHD_Response*)> owner(made, MHD_destroy_response);
  MHD_add_response_header(made, "Content-Type", response.type.c_str());
  MHD_add_response_header(made, "X-Request-Id", request_.id.c_str());
  MHD_add_response_header(made, "X-Content-Type-Options", "nosniff");
  if (std::ranges::none_of(response.headers, [](const auto& header) { return header.first == "Cache-Control"; })) {
    MHD_add_response_header(made, "Cache-Control", "no-store");
  }
  for (const auto& [name, value] : response.headers) MHD_add_response_header(made, name.c_str(), value.c_str());
  for (const auto& [name, value] : place_.handler.headers(request_)) {
    MHD_add_response_header(made, name.c_str(), value.c_str());
  }
  record_.status = response.status;
  return MHD_queue_response(connection_, static_cast<unsigned>(response.status), made);
}

MHD_Result ServedExchange::answer() {
  if (form_reader_) end_form();
  if (refusal_) {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    return queue(*refusal_, false);
  }
  if (!std::exchange(handled_, true)) {
    place_.handler.handle(shared_from_this());
    // After handle(): an immediate response is sent even to a client that has hung up.
    place_.watch.wait(socket_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->hang_up();
    });
  }
  const std::lock_guard lock(mutex_);
  if (aborted_ || place_.stopping) return MHD_NO;
  if (response_) return queue(*response_, streams_);
  suspended_ = true;
  MHD_suspend_connection(connection_);
  return MHD_YES;
}

ssize_t ServedExchange::read(char* buffer, size_t size) {
  const std::lock_guard lock(mutex_);
  if (aborted_) return MHD_CONTENT_READER_END_WITH_ERROR;
  const size_t count = std::min(size, pending_.size() - pending_begin_);
  if (count > 0) {
    std::memcpy(buffer, pending_.data() + pending_begin_, count);
    pending_begin_ += count;
    record_.bytes += static_cast<int64_t>(count);
    if (pending_begin_ == pending_.size()) {
      pending_.clear();
      pending_begin_ = 0;
    }
    return static_cast<ssize_t>(count);
  }
  if (ended_) return MHD_CONTENT_READER_END_OF_STREAM;
  if (place_.stopping) return MHD_CONTENT_READER_END_WITH_ERROR;
  suspended_ = true;
  MHD_suspend_connection(connection_);
  return 0;
}

HttpRecord ServedExchange::complete(bool sent) {
  HttpRecord record;
  {
    const std::lock_guard lock(mutex_);
    connection_ = nullptr;
    suspended_ = false;
    record_.gone = !sent;
    record_.seconds = clock_.seconds();
    record = record_;
    is_gone_ = aborted_ = true;
    if (sent) gone_ = nullptr;
  }
  const std::lock_guard telling(telling_);
  tell_of_gone();
  return record;
}

}  // namespace lectern::server
