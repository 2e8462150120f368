#include "server/http/http_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/rand.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <new>
#include <set>
#include <stop_token>
#include <thread>

#include "core/files/file.h"
#include "core/stopwatch.h"
#include "core/unique_fd.h"
#include "server/http/client_watch.h"
#include "server/http/event_stream.h"

namespace lectern::server {
namespace {

// What of a body that is refused is still taken, so that the client comes to read why.
constexpr size_t discarded_bodies = 4;
constexpr size_t form_buffer_bytes = size_t{16} << 10;  // for the head of a part

std::string random_id() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) throw Error("the system gives no random numbers");
  std::string id;
  for (const unsigned char byte : bytes) id += fmt::format("{:02x}", byte);
  return id;
}

std::string header(MHD_Connection* connection, const char* name) {
  const char* const value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value == nullptr ? "" : value;
}

std::vector<std::pair<std::string, std::string>> query_of(MHD_Connection* connection) {
  std::vector<std::pair<std::string, std::string>> query;
  const auto take = [](void* self, MHD_ValueKind, const char* name, const char* value) {
    try {
      static_cast<decltype(query)*>(self)->emplace_back(name, value == nullptr ? "" : value);
    } catch (const std::bad_alloc&) {
      return MHD_NO;
    }
    return MHD_YES;
  };
  MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, take, &query);
  return query;
}

std::string address_of(MHD_Connection* connection) {
  const MHD_ConnectionInfo* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  if (info == nullptr || info->client_addr == nullptr) return "";
  const socklen_t size = info->client_addr->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  std::array<char, 64> text{};
  if (::getnameinfo(info->client_addr, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) return "";
  return text.data();
}

int socket_of(MHD_Connection* connection) {
  const MHD_ConnectionInfo* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info == nullptr ? -1 : info->connect_fd;
}

UniqueFd listen_at(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int failure = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failure != 0) throw Error(fmt::format("{}: no address of this machine: {}", host, ::gai_strerror(failure)));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  const std::string place = fmt::format("{} port {}", host, port);
  UniqueFd listener(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (listener.get() < 0) throw system_error(place, "cannot be listened at", errno);
  const int yes = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (::bind(listener.get(), found->ai_addr, found->ai_addrlen) != 0 || ::listen(listener.get(), SOMAXCONN) != 0) {
    throw system_error(place, "cannot be listened at", errno);
  }
  return listener;
}

int port_of(int listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<sockaddr_in&>(address).sin_port);
}

class Exchange;

}  // namespace

struct HttpServer::State {
  State(const HttpLimits& given, HttpHandler& who) : limits(given), handler(who) {}

  MHD_Result access(MHD_Connection* connection, const char* url, const char* method, const char* data, size_t* size,
                    void** place);
  void completed(MHD_Connection* connection, void** place, MHD_RequestTerminationCode how);
  void connection(MHD_Connection* connection, MHD_ConnectionNotificationCode what);
  void keep_alive(const std::stop_token& stop);

  const HttpLimits limits;
  HttpHandler& handler;
  UniqueFd listener;
  int port = 0;
  MHD_Daemon* daemon = nullptr;
  ClientWatch watch;
  std::atomic<bool> stopping = false;
  const std::shared_ptr<std::atomic<size_t>> body_bytes = std::make_shared<std::atomic<size_t>>(0);  // of all exchanges
  std::mutex mutex;  // of the exchanges, which are those on their way
  std::condition_variable idle;
  std::set<std::shared_ptr<Exchange>> exchanges;
  std::condition_variable_any ends;
  std::jthread keeper;  // of streams alive; last, it uses the others
};

namespace {

using State = HttpServer::State;

// Its connection is used on the library's thread alone, but for resuming it, and only until it is completed.
class Exchange final : public HttpExchange, public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(State& state, MHD_Connection* connection, HttpRequest request)
      : state_(state), all_bodies_(state.body_bytes), request_(std::move(request)), connection_(connection) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() override { count_body(0); }

  // False where the body is no form.
  bool expect_form(std::shared_ptr<HttpForm> form);

  const HttpRequest& request() const override { return request_; }
  const std::string& body() const override { return body_; }
  void drop_body() override {
    body_ = {};
    count_body(0);
  }
  std::shared_ptr<HttpForm> form() const override { return form_; }
  void respond(HttpResponse response) override;
  void begin(HttpResponse head) override;
  void write(std::string_view more) override;
  void end() override;
  void when_gone(std::function<void()> gone) override;

  // On the library's thread.
  MHD_Result take_body(const char* data, size_t size);
  void refuse(HttpResponse response) { refusal_ = std::move(response); }
  MHD_Result answer();
  ssize_t read(char* buffer, size_t size);
  HttpRecord complete(bool sent);

  // From any thread: the client went, or the server stops.
  void abort();
  // A comment, where events are streamed and none was written since the last call.
  void keep_alive();

 private:
  void count_body(size_t bytes);
  void take_form(const char* data, size_t size);
  void end_form();
  void resume();
  MHD_Result queue(const HttpResponse& response, bool stream);

  State& state_;  // for the library's thread alone: others may have the exchange longer
  const std::shared_ptr<std::atomic<size_t>> all_bodies_;
  const HttpRequest request_;
  std::string body_;
  size_t counted_ = 0;  // of the body, in the sum
  size_t discarded_ = 0;
  std::shared_ptr<HttpForm> form_;
  std::unique_ptr<MHD_PostProcessor, MHD_Result (*)(MHD_PostProcessor*)> form_reader_{nullptr,
                                                                                      MHD_destroy_post_processor};
  size_t form_bytes_ = 0;
  std::optional<HttpResponse> refusal_;
  bool handled_ = false;

  std::mutex mutex_;            // of the following
  MHD_Connection* connection_;  // null when it is completed
  bool suspended_ = false;
  bool aborted_ = false;
  std::optional<HttpResponse> response_;
  bool streams_ = false, ended_ = false;
  bool has_events_ = false, is_quiet_ = false;
  std::string pending_;  // of the stream
  size_t pending_begin_ = 0;
  std::function<void()> gone_;
  bool is_gone_ = false;
  HttpRecord record_;
  Stopwatch clock_;
};

void Exchange::count_body(size_t bytes) {
  *all_bodies_ += bytes;
  *all_bodies_ -= std::exchange(counted_, bytes);
}

void Exchange::resume() {
  if (!std::exchange(suspended_, false)) return;
  MHD_resume_connection(connection_);
}

void Exchange::respond(HttpResponse response) {
  const std::lock_guard lock(mutex_);
  if (response_) return;
  response_ = std::move(response);
  ended_ = true;
  resume();
}

void Exchange::begin(HttpResponse head) {
  const std::lock_guard lock(mutex_);
  if (response_) return;
  streams_ = true;
  has_events_ = head.type == event_stream_type;
  pending_ = std::exchange(head.body, {});
  response_ = std::move(head);
  resume();
}

void Exchange::write(std::string_view more) {
  const std::lock_guard lock(mutex_);
  if (aborted_ || ended_ || !streams_ || more.empty()) return;
  pending_ += more;
  is_quiet_ = false;
  resume();
}

void Exchange::keep_alive() {
  const std::lock_guard lock(mutex_);
  if (!has_events_ || ended_ || aborted_ || !std::exchange(is_quiet_, true) || !pending_.empty()) return;
  pending_ += sent_comment;
  resume();
}

void Exchange::end() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  resume();
}

void Exchange::when_gone(std::function<void()> gone) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_gone_) {
      gone_ = std::move(gone);
      return;
    }
  }
  gone();
}

void Exchange::abort() {
  std::function<void()> gone;
  {
    const std::lock_guard lock(mutex_);
    aborted_ = is_gone_ = true;
    gone = std::exchange(gone_, nullptr);
    resume();
  }
  if (gone) gone();
}

bool Exchange::expect_form(std::shared_ptr<HttpForm> form) {
  const auto take = [](void* self, MHD_ValueKind, const char* name, const char* file_name, const char*, const char*,
                       const char* data, uint64_t offset, size_t size) {
    auto& exchange = *static_cast<Exchange*>(self);
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

void Exchange::take_form(const char* data, size_t size) {
  form_bytes_ += size;
  if (form_bytes_ > form_->max_bytes())
    return refuse(state_.handler.limited(MHD_HTTP_CONTENT_TOO_LARGE, form_->max_bytes()));
  if (MHD_post_process(form_reader_.get(), data, size) == MHD_YES || refusal_) return;
  refuse(state_.handler.limited(MHD_HTTP_BAD_REQUEST, 0));
}

void Exchange::end_form() {
  if (MHD_destroy_post_processor(form_reader_.release()) == MHD_YES || refusal_) return;
  refuse(state_.handler.limited(MHD_HTTP_BAD_REQUEST, 0));
}

MHD_Result Exchange::take_body(const char* data, size_t size) {
  if (!refusal_ && form_) {
    take_form(data, size);
    if (!refusal_) return MHD_YES;
  } else if (!refusal_ && body_.size() + size > state_.limits.body_bytes) {
    refuse(state_.handler.limited(MHD_HTTP_CONTENT_TOO_LARGE, state_.limits.body_bytes));
  } else if (!refusal_ && *all_bodies_ + size > state_.limits.all_bodies_bytes) {
    refuse(state_.handler.limited(MHD_HTTP_SERVICE_UNAVAILABLE, 0));
  }
  if (refusal_) {
    drop_body();
    discarded_ += size;
    return discarded_ > discarded_bodies * state_.limits.body_bytes ? MHD_NO : MHD_YES;
  }
  body_.append(data, size);
  count_body(body_.size());
  return MHD_YES;
}

MHD_Result Exchange::queue(const HttpResponse& response, bool stream) {
  MHD_Response* made = nullptr;
  if (stream) {
    // The library holds the exchange until it has sent the answer.
    const auto reader = [](void* self, uint64_t, char* buffer, size_t size) {
      return (*static_cast<std::shared_ptr<Exchange>*>(self))->read(buffer, size);
    };
    auto holder = std::make_unique<std::shared_ptr<Exchange>>(shared_from_this());
    constexpr size_t block = 4096;
    made = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, block, reader, holder.get(), [](void* self) {
      const std::unique_ptr<std::shared_ptr<Exchange>> owner(static_cast<std::shared_ptr<Exchange>*>(self));
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
  for (const auto& [name, value] : state_.handler.headers(request_)) {
    MHD_add_response_header(made, name.c_str(), value.c_str());
  }
  record_.status = response.status;
  return MHD_queue_response(connection_, static_cast<unsigned>(response.status), made);
}

MHD_Result Exchange::answer() {
  if (form_reader_) end_form();
  if (refusal_) {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    return queue(*refusal_, false);
  }
  if (!std::exchange(handled_, true)) {
    state_.watch.wait(socket_of(connection_), [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->abort();
    });
    state_.handler.handle(shared_from_this());
  }
  const std::lock_guard lock(mutex_);
  if (aborted_ || state_.stopping) return MHD_NO;
  if (response_) return queue(*response_, streams_);
  suspended_ = true;
  MHD_suspend_connection(connection_);
  return MHD_YES;
}

ssize_t Exchange::read(char* buffer, size_t size) {
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
  if (state_.stopping) return MHD_CONTENT_READER_END_WITH_ERROR;
  suspended_ = true;
  MHD_suspend_connection(connection_);
  return 0;
}

HttpRecord Exchange::complete(bool sent) {
  std::function<void()> gone;
  HttpRecord record;
  {
    const std::lock_guard lock(mutex_);
    connection_ = nullptr;
    suspended_ = false;
    record_.gone = !sent;
    record_.seconds = clock_.seconds();
    record = record_;
    aborted_ = true;
    is_gone_ = true;
    if (record.gone) gone = std::exchange(gone_, nullptr);
    gone_ = nullptr;
  }
  if (gone) gone();
  return record;
}

}  // namespace

MHD_Result HttpServer::State::access(MHD_Connection* connection, const char* url, const char* method, const char* data,
                                     size_t* size, void** place) {
  if (*place == nullptr) {
    HttpRequest request;
    request.id = random_id();
    request.method = method;
    request.path = url;
    request.client = address_of(connection);
    request.host = header(connection, "Host");
    request.origin = header(connection, "Origin");
    request.authorization = header(connection, "Authorization");
    request.if_none_match = header(connection, "If-None-Match");
    request.content_type = header(connection, "Content-Type");
    request.idempotency_key = header(connection, "Idempotency-Key");
    request.last_event_id = header(connection, "Last-Event-ID");
    request.query = query_of(connection);
    const std::string length = header(connection, "Content-Length");
    const bool asks_first = !header(connection, "Expect").empty();
    auto exchange = std::make_shared<Exchange>(*this, connection, std::move(request));
    {
      const std::lock_guard lock(mutex);
      exchanges.insert(exchange);
    }
    *place = exchange.get();
    watch.limit(socket_of(connection), limits.body);
    std::optional<HttpResponse> refusal = handler.refuse(exchange->request());
    std::shared_ptr<HttpForm> form = refusal ? nullptr : handler.form(exchange->request());
    const size_t max_bytes = form ? form->max_bytes() : limits.body_bytes;
    // The library has checked that it is a number.
    const size_t announced = length.empty() ? 0 : static_cast<size_t>(std::strtoull(length.c_str(), nullptr, 10));
    if (!refusal && announced > max_bytes) refusal = handler.limited(MHD_HTTP_CONTENT_TOO_LARGE, max_bytes);
    if (!refusal && form && !exchange->expect_form(std::move(form))) refusal = handler.limited(MHD_HTTP_BAD_REQUEST, 0);
    if (!refusal) return MHD_YES;
    exchange->refuse(std::move(*refusal));
    // The rest of the body is read, unless the client waits for leave to send it, or it has no end.
    return asks_first || announced > discarded_bodies * limits.body_bytes ? exchange->answer() : MHD_YES;
  }
  Exchange& exchange = *static_cast<Exchange*>(*place);
  if (*size > 0) return exchange.take_body(data, std::exchange(*size, 0));
  return exchange.answer();
}

void HttpServer::State::completed(MHD_Connection* connection, void** place, MHD_RequestTerminationCode how) {
  if (*place == nullptr) return;
  const std::shared_ptr<Exchange> exchange = static_cast<Exchange*>(std::exchange(*place, nullptr))->shared_from_this();
  watch.limit(socket_of(connection), limits.idle + limits.head);
  const HttpRecord record = exchange->complete(how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
  handler.finished(exchange->request(), record);
  const std::lock_guard lock(mutex);
  exchanges.erase(exchange);
  idle.notify_all();
}

void HttpServer::State::keep_alive(const std::stop_token& stop) {
  std::unique_lock lock(mutex);
  while (!ends.wait_for(lock, stop, limits.keep_alive, [&] { return stop.stop_requested(); })) {
    std::vector<std::shared_ptr<Exchange>> all(exchanges.begin(), exchanges.end());
    lock.unlock();
    for (const auto& exchange : all) exchange->keep_alive();
    all.clear();  // the last reference may be here
    lock.lock();
  }
}

void HttpServer::State::connection(MHD_Connection* connection, MHD_ConnectionNotificationCode what) {
  const int socket = socket_of(connection);
  if (what == MHD_CONNECTION_NOTIFY_CLOSED) return watch.close(socket);
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  watch.limit(socket, limits.head);
}

HttpServer::HttpServer(const std::string& host, int port, const HttpLimits& limits, HttpHandler& handler)
    : state_(std::make_shared<State>(limits, handler)) {
  State& state = *state_;
  state.listener = listen_at(host, port);
  state.port = port_of(state.listener.get());
  // Nothing is thrown through the library.
  const MHD_AccessHandlerCallback access = [](void* self, MHD_Connection* connection, const char* url,
                                              const char* method, const char*, const char* data, size_t* size,
                                              void** place) {
    try {
      return static_cast<State*>(self)->access(connection, url, method, data, size, place);
    } catch (const std::exception&) {  // out of memory: this connection ends
      return MHD_NO;
    }
  };
  const MHD_RequestCompletedCallback completed = [](void* self, MHD_Connection* connection, void** place,
                                                    MHD_RequestTerminationCode how) {
    static_cast<State*>(self)->completed(connection, place, how);
  };
  const MHD_NotifyConnectionCallback connected = [](void* self, MHD_Connection* connection, void**,
                                                    MHD_ConnectionNotificationCode what) {
    static_cast<State*>(self)->connection(connection, what);
  };
  state.daemon =
      MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_SUSPEND_RESUME, 0, nullptr, nullptr, access, &state,
                       MHD_OPTION_LISTEN_SOCKET, state.listener.get(), MHD_OPTION_NOTIFY_COMPLETED, completed, &state,
                       MHD_OPTION_NOTIFY_CONNECTION, connected, &state, MHD_OPTION_CONNECTION_LIMIT,
                       static_cast<unsigned>(limits.connections), MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                       static_cast<unsigned>(limits.connections_per_address), MHD_OPTION_CONNECTION_TIMEOUT,
                       static_cast<unsigned>(limits.idle.count()), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                       limits.head_bytes, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
  if (state.daemon == nullptr) {
    throw Error(fmt::format("{} port {}: the server cannot be started; there may be too many open files or threads",
                            host, state.port));
  }
  static_cast<void>(state.listener.release());  // the library closes it
  state.keeper = std::jthread([&state](const std::stop_token& stop) { state.keep_alive(stop); });
}

HttpServer::~HttpServer() { stop(); }

int HttpServer::port() const { return state_->port; }

bool HttpServer::wait_until_idle(std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(state_->mutex);
  return state_->idle.wait_until(lock, until, [&] { return state_->exchanges.empty(); });
}

void HttpServer::stop() {
  if (state_->daemon == nullptr) return;
  state_->keeper = {};  // stops, and is waited for
  state_->stopping = true;
  std::set<std::shared_ptr<Exchange>> left;
  {
    const std::lock_guard lock(state_->mutex);
    left = state_->exchanges;
  }
  for (const auto& exchange : left) exchange->abort();
  MHD_stop_daemon(std::exchange(state_->daemon, nullptr));
}

}  // namespace lectern::server
