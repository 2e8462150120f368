#include "hub/http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <exception>
#include <new>
#include <string_view>
#include <utility>

#include "core/files/json_file.h"
#include "core/stopped.h"
#include "core/text.h"
#include "lectern/error.h"
#include "lectern/version.h"

namespace lectern::hub {
namespace {

constexpr size_t max_headers = 200;
constexpr size_t max_unwanted_bytes = size_t{64} << 10;  // of the body of an answer that is no success

// One request while it runs. libcurl is C: what the receiver throws waits here until libcurl has returned.
struct Transfer {
  CURL* handle;
  const TakeBody& take;
  const std::stop_token& stop;
  HttpAnswer answer;
  size_t unwanted = 0;
  std::exception_ptr thrown;
};

size_t on_header(char* data, size_t, size_t size, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size);
  auto& headers = transfer.answer.headers;
  if (line.starts_with("HTTP/")) headers.clear();  // those before were of a proxy, or of 100 Continue
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  if (headers.size() >= max_headers) return 0;
  headers[lower_case(line.substr(0, colon))] = trimmed(line.substr(colon + 1));
  return size;
}

size_t on_body(char* data, size_t, size_t size, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  curl_easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &transfer.answer.status);
  if (transfer.answer.status < 200 || transfer.answer.status > 299) {
    transfer.unwanted += size;
    return transfer.unwanted > max_unwanted_bytes ? 0 : size;
  }
  try {
    transfer.take(transfer.answer, std::as_bytes(std::span(data, size)));
    return size;
  } catch (...) {
    transfer.thrown = std::current_exception();
    return 0;
  }
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(user)->stop.stop_requested() ? 1 : 0;
}

bool is_hopeless(CURLcode code) {
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED: return true;
    default: return false;
  }
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

HeaderList header_list(const std::vector<std::string>& headers) {
  HeaderList list;
  for (const std::string& header : headers) {
    curl_slist* const longer = curl_slist_append(list.get(), header.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(list.release());  // longer begins with it
    list.reset(longer);
  }
  return list;
}

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return "";
  std::string copy = lower_case(text);
  curl_free(text);
  return copy;
}

}  // namespace

std::string HttpAnswer::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

void HttpClient::Close::operator()(void* handle) const { curl_easy_cleanup(handle); }

struct HttpClient::Confined {
  std::function<bool(const sockaddr&)> may_connect;
  HeaderList resolve;
  bool refused = false;  // an address of this request
};

HttpClient::HttpClient(std::chrono::seconds stall, Confinement confinement) : HttpClient(stall) {
  confined_ = std::make_unique<Confined>();
  confined_->may_connect = std::move(confinement.may_connect);
  confined_->resolve = header_list(confinement.resolve);
  CURL* const handle = handle_.get();
  const curl_opensocket_callback open = [](void* user, curlsocktype, curl_sockaddr* address) {
    auto& confined = *static_cast<Confined*>(user);
    confined.refused = confined.refused || !confined.may_connect(address->addr);
    return confined.refused ? CURL_SOCKET_BAD
                            : ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  };
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open);
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, confined_.get());
  curl_easy_setopt(handle, CURLOPT_RESOLVE, confined_->resolve.get());
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_TIMEOUT, static_cast<long>(confinement.total.count()));
}

HttpClient::~HttpClient() = default;

HttpClient::HttpClient(std::chrono::seconds stall) {
  static const CURLcode prepared = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (prepared == CURLE_OK) handle_.reset(curl_easy_init());
  if (!handle_) throw Error("libcurl: cannot be started", ErrorCode::io);
  CURL* const handle = handle_.get();
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "lectern/" LECTERN_VERSION);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, static_cast<long>(stall.count()));
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(stall.count()));
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
}

HttpAnswer HttpClient::get(const std::string& url, const std::vector<std::string>& headers, const TakeBody& take,
                           const std::stop_token& stop) {
  CURL* const handle = handle_.get();
  Transfer transfer{handle, take, stop, {}, 0, nullptr};
  const HeaderList list = header_list(headers);
  std::array<char, CURL_ERROR_SIZE> problem{};
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, list.get());
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, problem.data());
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &transfer);
  if (confined_) confined_->refused = false;
  const CURLcode code = curl_easy_perform(handle);
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, nullptr);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, nullptr);

  if (transfer.thrown) std::rethrow_exception(transfer.thrown);
  throw_if_stopped(stop);
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &transfer.answer.status);
  const bool unwanted_body = code == CURLE_WRITE_ERROR && transfer.unwanted > max_unwanted_bytes;
  if (code != CURLE_OK && !unwanted_body) {
    const std::string reason = printable(problem[0] != '\0' ? problem.data() : curl_easy_strerror(code));
    // Without the query, which may hold a signature.
    const std::string shown = printable(url.substr(0, url.find('?')));
    if (confined_ && confined_->refused) throw Error(shown + ": stands for an address that must not be connected to");
    if (is_hopeless(code)) throw Error(fmt::format("{}: {}", shown, reason), ErrorCode::io);
    const bool unreachable =
        code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_COULDNT_CONNECT;
    throw TryAgain{reason, std::chrono::seconds(0), unreachable};
  }
  const char* redirect = nullptr;
  curl_easy_getinfo(handle, CURLINFO_REDIRECT_URL, &redirect);
  if (redirect != nullptr) transfer.answer.redirect = redirect;
  return std::move(transfer.answer);
}

std::string origin_of(const std::string& url) {
  const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
  if (!parsed) throw std::bad_alloc();
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) == CURLUE_OK) {
    const std::string scheme = url_part(parsed.get(), CURLUPART_SCHEME);
    const std::string host = url_part(parsed.get(), CURLUPART_HOST);
    if ((scheme == "http" || scheme == "https") && !host.empty()) {
      return scheme + "://" + host + ":" + url_part(parsed.get(), CURLUPART_PORT);
    }
  }
  throw Error(printable(url) + ": is no address of the web; expected https://HOST or http://HOST");
}

}  // namespace lectern::hub
