#include "net/http_client.h"

#include "net/headers.h"
#include "net/url.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <limits>

namespace fairlead::net {
namespace {

// What libcurl's callbacks fill.
struct Exchange {
  const ClientRequest& request;
  ClientResponse response;
  bool stopped = false;   // by the caller
  bool too_long = false;  // more than max_body_bytes
};

std::size_t take_body(char* bytes, std::size_t, std::size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  if (exchange.request.on_bytes) {
    if (exchange.request.on_bytes({bytes, size})) return size;
    exchange.stopped = true;
    return 0;
  }
  if (exchange.response.body.size() + size > exchange.request.max_body_bytes) {
    exchange.too_long = true;
    return 0;
  }
  exchange.response.body.append(bytes, size);
  return size;
}

std::size_t take_header(char* bytes, std::size_t, std::size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  std::string_view line(bytes, size);
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r' || line.back() == ' ')) {
    line.remove_suffix(1);
  }
  if (line.starts_with("HTTP/")) {
    exchange.response.headers.clear();  // what came before was a 1xx
    return size;
  }
  const std::size_t colon = line.find(':');
  if (colon == line.npos) return size;
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  exchange.response.headers.emplace_back(lower_case(line.substr(0, colon)), value);
  return size;
}

int ask_whether_to_go_on(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& exchange = *static_cast<Exchange*>(user);
  if (exchange.request.keep_going()) return 0;
  exchange.stopped = true;
  return 1;
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

bool add(HeaderList& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) return false;
  // The head stays the same, but for the first.
  if (list == nullptr) list.reset(longer);
  return true;
}

class CurlClient final : public HttpClient {
 public:
  CurlClient() : easy_(curl_easy_init()) {}
  CurlClient(const CurlClient&) = delete;
  CurlClient& operator=(const CurlClient&) = delete;
  ~CurlClient() override { curl_easy_cleanup(easy_); }

  base::Result<ClientResponse> send(const ClientRequest& request) override {
    if (easy_ == nullptr) return base::Error(base::Code::kInternal, "libcurl cannot be started");
    auto url = parse_url(request.url);
    if (!url) return url.error();
    if (url->scheme != "http" && url->scheme != "https") {
      return base::invalid_argument(fmt::format("\"{}\" is not a URL of http or https", request.url));
    }
    if (!is_header_name(request.method)) {
      return base::invalid_argument(fmt::format("\"{}\" is not a method", request.method));
    }
    HeaderList headers;
    for (const auto& [name, value] : request.headers) {
      if (!is_header_name(name) || !is_header_value(value)) {
        return base::invalid_argument(fmt::format("the header \"{}\" holds what a header cannot hold", name));
      }
      // A semicolon instead of the colon is libcurl's way to say: an empty value.
      if (!add(headers, value.empty() ? name + ";" : name + ": " + value)) {
        return base::Error(base::Code::kResourceExhausted, "no memory for the headers");
      }
    }
    // libcurl would hold bodies of more than a megabyte back for a second, waiting for "100 Continue".
    if (!add(headers, "Expect:")) return base::Error(base::Code::kResourceExhausted, "no memory");

    Exchange exchange{request, {}};
    std::array<char, CURL_ERROR_SIZE> message{};
    configure(request, *url, headers.get(), exchange, message.data());
    const CURLcode code = curl_easy_perform(easy_);
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    exchange.response.status = static_cast<int>(status);
    if (code == CURLE_OK || (exchange.stopped && status != 0)) return std::move(exchange.response);
    const std::string where =
        request.unix_socket.empty() ? url->authority() : fmt::format("socket {}", request.unix_socket);
    if (exchange.too_long) {
      return base::Error(
          base::Code::kResourceExhausted,
          fmt::format("the answer of {} is longer than {} bytes", where, request.max_body_bytes));
    }
    if (exchange.stopped) return base::Error(base::Code::kUnavailable, "stopped");
    return base::Error(base::Code::kUnavailable,
                       fmt::format("{} {} at {}: {}", request.method, url->target, where,
                                   message[0] != '\0' ? message.data() : curl_easy_strerror(code)));
  }

 private:
  void configure(const ClientRequest& request, const Url& url, curl_slist* headers, Exchange& exchange,
                 char* message) {
    curl_easy_reset(easy_);  // keeps the connections
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_ERRORBUFFER, message);
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!request.unix_socket.empty()) set(CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
    // The environment's proxy is for hosts elsewhere.
    if (!request.unix_socket.empty() || is_loopback(url.host)) set(CURLOPT_PROXY, "");
    if (!request.authority_file.empty()) set(CURLOPT_CAINFO, request.authority_file.c_str());
    if (request.tls != nullptr) identify(*request.tls);
    if (request.method == "HEAD") set(CURLOPT_NOBODY, 1L);
    if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
        request.method == "PATCH") {
      set(CURLOPT_POSTFIELDS, request.body.data());
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    }
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    set(CURLOPT_HTTPHEADER, headers);
    set(CURLOPT_HEADERFUNCTION, &take_header);
    set(CURLOPT_HEADERDATA, &exchange);
    set(CURLOPT_WRITEFUNCTION, &take_body);
    set(CURLOPT_WRITEDATA, &exchange);
    const auto milliseconds = static_cast<long>(request.timeout.nanoseconds() / 1'000'000);
    set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds);
    if (!request.on_bytes) set(CURLOPT_TIMEOUT_MS, milliseconds);
    const auto silence = static_cast<long>(request.longest_silence.nanoseconds() / 1'000'000'000);
    if (silence > 0) {
      set(CURLOPT_LOW_SPEED_LIMIT, 1L);
      set(CURLOPT_LOW_SPEED_TIME, silence);
    }
    // A peer that is gone without a word is noticed after half a minute.
    set(CURLOPT_TCP_KEEPIDLE, 15L);
    set(CURLOPT_TCP_KEEPINTVL, 5L);
    if (request.keep_going) {
      set(CURLOPT_NOPROGRESS, 0L);
      set(CURLOPT_XFERINFOFUNCTION, &ask_whether_to_go_on);
      set(CURLOPT_XFERINFODATA, &exchange);
    }
  }

  void identify(const ClientTls& tls) {
    // Read while the exchange runs, and the request outlives that.
    const auto text = [this](CURLoption option, const std::string& pem) {
      if (pem.empty()) return;
      curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_NOCOPY};
      curl_easy_setopt(easy_, option, &blob);
    };
    text(CURLOPT_CAINFO_BLOB, tls.authority);
    text(CURLOPT_SSLCERT_BLOB, tls.certificate);
    text(CURLOPT_SSLKEY_BLOB, tls.key);
    if (!tls.certificate.empty()) set(CURLOPT_SSLCERTTYPE, "PEM");
    if (tls.accept_any_server) {
      set(CURLOPT_SSL_VERIFYPEER, 0L);
      set(CURLOPT_SSL_VERIFYHOST, 0L);
    }
  }

  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(easy_, option, value);
  }

  CURL* easy_;
};

}  // namespace

std::unique_ptr<HttpClient> HttpClient::make() {
  // Counted and locked by libcurl since 7.84.
  curl_global_init(CURL_GLOBAL_DEFAULT);
  return std::make_unique<CurlClient>();
}

}  // namespace fairlead::net
