#include "net/message_parser.h"

#include "net/url.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>

namespace fairlead::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using View = boost::beast::string_view;

std::string_view plain(View text) { return {text.data(), text.size()}; }

// What Beast calls with what it read.
template <bool kIsRequest>
class Reading final : public http::basic_parser<kIsRequest> {
 public:
  Reading(MessageHead& head, std::string& body) : head_(head), body_(body) {}

  bool header_done() const { return header_done_; }

 private:
  void on_request_impl(http::verb, View method, View target, int version, error_code&) override {
    head_.method = plain(method);
    head_.target = plain(target);
    head_.is_1_1 = version == 11;
  }
  void on_response_impl(int status, View, int version, error_code&) override {
    head_.status = status;
    head_.is_1_1 = version == 11;
  }
  void on_field_impl(http::field, View name, View value, error_code&) override {
    if (header_done_) return;  // a trailer: nothing here has a use for them
    head_.headers.emplace_back(lower_case(plain(name)), plain(value));
  }
  void on_header_impl(error_code&) override { header_done_ = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(View bytes, error_code&) override {
    body_.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, View, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, View bytes, error_code&) override {
    body_.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_finish_impl(error_code&) override {}

  MessageHead& head_;
  std::string& body_;
  bool header_done_ = false;
};

template <bool kIsRequest>
class BeastParser final : public MessageParser {
 public:
  BeastParser(Limits limits, bool to_head) : limits_(limits), reading_(head_, body_) {
    // Beast counts what it has not consumed; `feed` counts the whole head besides.
    reading_.header_limit(static_cast<std::uint32_t>(limits.head_bytes));
    if (limits.body_bytes) {
      reading_.body_limit(*limits.body_bytes);
    } else {
      reading_.body_limit(boost::none);
    }
    if (to_head) reading_.skip(true);
  }

  std::size_t feed(std::string_view bytes) override {
    std::size_t used = 0;
    while (used < bytes.size() && (state_ == State::kHead || state_ == State::kBody)) {
      const std::string_view rest = bytes.substr(used);
      error_code error;
      const std::size_t read = reading_.put(boost::asio::const_buffer(rest.data(), rest.size()), error);
      used += read;
      if (state_ == State::kHead) {
        head_bytes_ += read;
        const std::size_t waiting = error == http::error::need_more ? bytes.size() - used : 0;
        if (head_bytes_ + waiting > limits_.head_bytes) error = http::error::header_limit;
      } else if (error == http::error::need_more && bytes.size() - used > limits_.head_bytes) {
        error = http::error::header_limit;  // the line that begins a chunk, or trailers, without end
      }
      if (error == http::error::need_more) break;
      if (error) {
        fail(error);
        break;
      }
      if (state_ == State::kHead && reading_.header_done()) {
        if (!check_head()) break;
        state_ = reading_.is_done() ? State::kComplete : State::kBody;
        break;
      }
      if (reading_.is_done()) state_ = State::kComplete;
    }
    return used;
  }

  void finish() override {
    if (state_ == State::kBody && reading_.need_eof()) {
      error_code error;
      reading_.put_eof(error);
      if (!error) {
        state_ = State::kComplete;
        return;
      }
    }
    if (state_ != State::kComplete) refuse(400, "the message ends before its end");
  }

  void limit_body(std::uint64_t bytes) override {
    if (head_.content_length && *head_.content_length > bytes) {
      refuse(413, "the body is longer than " + std::to_string(bytes) + " bytes");
    } else {
      reading_.body_limit(bytes);
      limits_.body_bytes = bytes;
    }
  }

 private:
  void refuse(int status, std::string message) {
    state_ = State::kFailed;
    failure_ = {status, std::move(message)};
  }

  void fail(const error_code& error) {
    if (error == http::error::header_limit) {
      refuse(431, "the head of the request is longer than " + std::to_string(limits_.head_bytes) + " bytes");
    } else if (error == http::error::body_limit) {
      refuse(413, "the body is longer than " + std::to_string(limits_.body_bytes.value_or(0)) + " bytes");
    } else if (error == http::error::bad_version) {
      refuse(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    } else {
      refuse(400, "this is not HTTP: " + error.message());
    }
  }

  bool check_head() {
    std::size_t lengths = 0;
    std::size_t codings = 0;
    std::size_t hosts = 0;
    for (const auto& [name, value] : head_.headers) {
      if (!is_header_value(value)) return refuse(400, "a header holds a control character"), false;
      if (name == "content-length") {
        ++lengths;
        if (value.find_first_not_of("0123456789") != value.npos || value.empty() || value.size() > 18) {
          return refuse(400, "Content-Length is not a plain number"), false;
        }
        head_.content_length = std::stoull(value);
      } else if (name == "transfer-encoding") {
        ++codings;
        if (lower_case(value) != "chunked")
          return refuse(501, "Transfer-Encoding is not just chunked"), false;
      } else if (name == "host") {
        ++hosts;
      }
    }
    if (lengths > 1) return refuse(400, "Content-Length is given twice"), false;
    if (codings > 1) return refuse(400, "Transfer-Encoding is given twice"), false;
    if (lengths + codings > 1) {
      return refuse(400, "Content-Length and Transfer-Encoding are both given"), false;
    }
    if (codings == 1 && !head_.is_1_1) {
      return refuse(400, "Transfer-Encoding does not exist in HTTP/1.0"), false;
    }
    head_.chunked = reading_.chunked();
    if constexpr (kIsRequest) {
      if (hosts > 1) return refuse(400, "Host is given twice"), false;
      if (hosts == 0 && head_.is_1_1) return refuse(400, "Host is missing"), false;
    }
    head_.keep_alive = reading_.keep_alive();
    return true;
  }

  Limits limits_;
  Reading<kIsRequest> reading_;
  std::size_t head_bytes_ = 0;
};

}  // namespace

std::string MessageHead::upgrade() const {
  if (!list_contains(find_header(headers, "connection"), "upgrade")) return {};
  return lower_case(find_header(headers, "upgrade"));
}

std::unique_ptr<MessageParser> MessageParser::for_request(Limits limits) {
  return std::make_unique<BeastParser<true>>(limits, false);
}

std::unique_ptr<MessageParser> MessageParser::for_answer(Limits limits, bool to_head) {
  return std::make_unique<BeastParser<false>>(limits, to_head);
}

}  // namespace fairlead::net
