#include "server/http/http_server.h"

#include <fmt/format.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/rand.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <stop_token>
#include <thread>

#include "core/files/file.h"
#include "core/text.h"
#include "core/unique_fd.h"
#include "server/http/served_exchange.h"

namespace lectern::server {
namespace {

std::string random_id() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) throw Error("the system gives no random numbers");
  return hex_digits(bytes);
}

std::string header(MHD_Connection* connection, const char* name) {
  const char* const value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value == nullptr ? "" : value;
}

// How many times a header is given.
size_t count_of(MHD_Connection* connection, std::string_view name) {
  struct Count {
    std::string_view name;
    size_t found = 0;
  } count{name};
  const auto take = [](void* self, MHD_ValueKind, const char* given, const char*) {
    Count& counting = *static_cast<Count*>(self);
    const std::string_view text = given == nullptr ? "" : given;
    counting.found += std::ranges::equal(text, counting.name, {}, lower, lower) ? 1 : 0;
    return MHD_YES;
  };
  MHD_get_connection_values(connection, MHD_HEADER_KIND, take, &count);
  return count.found;
}

// A proxy before this server may have read such a head in another way, and would take what one client sends for the
// request of the next.
bool is_ambiguous(MHD_Connection* connection) {
  const size_t lengths = count_of(connection, "Content-Length") + count_of(connection, "Transfer-Encoding");
  return lengths > 1 || count_of(connection, "Host") > 1;
}

std::vector<std::pair<std::string, std::string>> query_of(MHD_Connection* connection) {
  std::vector<std::pair<std::string, std::string>> query;
  const auto take = [](void* self, MHD_ValueKind, const char* name, size_t name_bytes, const char* value,
                       size_t value_bytes) {
    try {  // zeros among the bytes
      static_cast<decltype(query)*>(self)->emplace_back(std::string(name, name_bytes),
                                                        std::string(value == nullptr ? "" : value, value_bytes));
    } catch (const std::bad_alloc&) {
      return MHD_NO;
    }
    return MHD_YES;
  };
  MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, take, &query);
  return query;
}

int hex_value(char digit) {
  if (is_digit(digit)) return digit - '0';
  const char low = lower(digit);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

// Percent-decodes in place and returns the length. Malformed codes stay as they are, and so does a zero byte: the
// library's text would end there, and a path be taken for another.
size_t decode(char* text) {
  const std::string_view coded = text;
  size_t count = 0;
  for (size_t i = 0; i < coded.size(); ++i) {
    char byte = coded[i];
    if (byte == '%' && i + 2 < coded.size()) {
      const int high = hex_value(coded[i + 1]), low = hex_value(coded[i + 2]);
      if (high >= 0 && low >= 0 && high + low > 0) {
        byte = static_cast<char>(high << 4 | low);
        i += 2;
      }
    }
    text[count++] = byte;
  }
  text[count] = '\0';
  return count;
}

std::string address_of(MHD_Connection* connection) {
  const MHD_ConnectionInfo* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  if (info == nullptr || info->client_addr == nullptr) return "";
  const socklen_t size = info->client_addr->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  std::array<char, 64> text{};
  if (::getnameinfo(info->client_addr, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) return "";
  return text.data();
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

}  // namespace

// State of a request that the library keeps for us.
struct HeldRequest {
  const char* uri_end = nullptr;  // as a text, before it is decoded; the version follows unless there is a zero byte
  std::shared_ptr<ServedExchange> exchange{};  // from the end of the head on
};

struct HttpServer::State : ExchangePlace {
  State(const HttpLimits& given, HttpHandler& who) : ExchangePlace{.limits = given, .handler = who} {}

  MHD_Result access(MHD_Connection* connection, const char* url, const char* method, const char* version,
                    const char* data, size_t* size, HeldRequest* held);
  void completed(MHD_Connection* connection, void** place, MHD_RequestTerminationCode how);
  void connection(MHD_Connection* connection, MHD_ConnectionNotificationCode what);
  void keep_alive(const std::stop_token& stop);

  UniqueFd listener;
  int port = 0;
  MHD_Daemon* daemon = nullptr;
  std::mutex mutex;  // of the exchanges in progress
  std::condition_variable idle;
  std::set<std::shared_ptr<ServedExchange>> exchanges;
  std::condition_variable_any ends;
  std::jthread keeper;  // keeps streams alive; last, since it uses the others
};

MHD_Result HttpServer::State::access(MHD_Connection* connection, const char* url, const char* method,
                                     const char* version, const char* data, size_t* size, HeldRequest* held) {
  if (held == nullptr) return MHD_NO;  // out of memory
  if (!held->exchange) {
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
    request.ambiguous = is_ambiguous(connection) || version != held->uri_end + 1;
    const std::string length = header(connection, "Content-Length");
    const bool asks_first = !header(connection, "Expect").empty();
    auto exchange = std::make_shared<ServedExchange>(*this, connection, std::move(request));
    {
      const std::lock_guard lock(mutex);
      exchanges.insert(exchange);
    }
    held->exchange = exchange;
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
    // The rest of the body is read, unless the client waits for permission to send it or its end is unknown.
    const bool is_last = asks_first || exchange->request().ambiguous || exchange->is_beyond_reading(announced);
    return is_last ? exchange->answer() : MHD_YES;
  }
  ServedExchange& exchange = *held->exchange;
  if (*size > 0) return exchange.take_body(data, std::exchange(*size, 0));
  return exchange.answer();
}

void HttpServer::State::completed(MHD_Connection* connection, void** place, MHD_RequestTerminationCode how) {
  const std::unique_ptr<HeldRequest> held(static_cast<HeldRequest*>(std::exchange(*place, nullptr)));
  if (!held || !held->exchange) return;
  const std::shared_ptr<ServedExchange>& exchange = held->exchange;
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
    std::vector<std::shared_ptr<ServedExchange>> all(exchanges.begin(), exchanges.end());
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
  // No exception may pass through the library.
  const MHD_AccessHandlerCallback access = [](void* self, MHD_Connection* connection, const char* url,
                                              const char* method, const char* version, const char* data, size_t* size,
                                              void** place) {
    try {
      return static_cast<State*>(self)->access(connection, url, method, version, data, size,
                                               static_cast<HeldRequest*>(*place));
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
  void* (*const begun)(void*, const char*, MHD_Connection*) = [](void*, const char* uri, MHD_Connection*) -> void* {
    return new (std::nothrow) HeldRequest{.uri_end = uri + std::strlen(uri)};
  };
  size_t (*const unescape)(void*, MHD_Connection*, char*) = [](void*, MHD_Connection*, char* text) {
    return decode(text);
  };
  state.daemon =
      MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_SUSPEND_RESUME, 0, nullptr, nullptr, access, &state,
                       MHD_OPTION_LISTEN_SOCKET, state.listener.get(), MHD_OPTION_NOTIFY_COMPLETED, completed, &state,
                       MHD_OPTION_NOTIFY_CONNECTION, connected, &state, MHD_OPTION_CONNECTION_LIMIT,
                       static_cast<unsigned>(limits.connections), MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                       static_cast<unsigned>(limits.connections_per_address), MHD_OPTION_CONNECTION_TIMEOUT,
                       static_cast<unsigned>(limits.idle.count()), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                       limits.head_bytes, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK, unescape,
                       nullptr, MHD_OPTION_URI_LOG_CALLBACK, begun, nullptr, MHD_OPTION_END);
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
  std::set<std::shared_ptr<ServedExchange>> left;
  {
    const std::lock_guard lock(state_->mutex);
    left = state_->exchanges;
  }
  for (const auto& exchange : left) exchange->abort();
  MHD_stop_daemon(std::exchange(state_->daemon, nullptr));
}

}  // namespace lectern::server
