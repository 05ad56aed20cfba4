#include "net/proxied_request.h"

#include "net/answer_head.h"
#include "net/connection.h"
#include "net/headers.h"

#include <boost/asio/error.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace fairlead::net {
namespace {

constexpr std::size_t kAnswerHeadBytes = 64 * 1024;
// A client that asked "Expect: 100-continue" gets that from this server.
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

bool is_repeatable(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE" || method == "PUT" ||
         method == "DELETE";
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// "a=1; b=2" without the cookies of these names.
std::string without_cookies(std::string_view cookies, const std::vector<std::string>& removed) {
  std::string out;
  while (!cookies.empty()) {
    const std::size_t end = std::min(cookies.find(';'), cookies.size());
    std::string_view cookie = cookies.substr(0, end);
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    while (!cookie.empty() && cookie.front() == ' ') cookie.remove_prefix(1);
    if (cookie.empty() || contains(removed, cookie.substr(0, std::min(cookie.find('='), cookie.size()))))
      continue;
    if (!out.empty()) out += "; ";
    out += cookie;
  }
  return out;
}

// Whether a field of the service's answer is not passed back.
bool is_removed(const ProxyTarget& target, std::string_view name, std::string_view value) {
  if (contains(target.removed_answer_headers, name)) return true;
  if (name == "set-cookie") {
    std::string_view cookie = value.substr(0, value.find('='));
    while (cookie.starts_with(' ') || cookie.starts_with('\t')) cookie.remove_prefix(1);
    while (cookie.ends_with(' ') || cookie.ends_with('\t')) cookie.remove_suffix(1);
    if (contains(target.removed_answer_cookies, cookie)) return true;
  }
  return false;
}

std::string chunk(std::string_view bytes) { return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes); }

base::Duration since(SteadyClock::time_point start) {
  return base::Duration::nanoseconds(
      std::chrono::duration_cast<std::chrono::nanoseconds>(SteadyClock::now() - start).count());
}

}  // namespace

ProxiedRequest::ProxiedRequest(std::shared_ptr<Connection> connection, std::shared_ptr<EventLoop> loop,
                               std::shared_ptr<UpstreamPool> pool, ProxyTarget target)
    : loop_(std::move(loop)),
      pool_(std::move(pool)),
      connection_(std::move(connection)),
      target_(std::move(target)),
      key_(fmt::format("{} {}", target_.host, target_.port)),
      deadline_(*loop_) {}

void ProxiedRequest::start() {
  started_ = SteadyClock::now();
  deadline_.on_passed([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || !self->connection_) return;
    self->fail(self->connected_ ? 504 : 502, self->connected_ ? "the service did not answer in time"
                                                              : "the service did not accept a connection");
  });
  const bool sound = target_.path.starts_with('/') && is_header_value(target_.path) &&
                     target_.path.find_first_of(" \t") == target_.path.npos;
  if (!sound) {
    const auto connection = connection_;
    end(0);
    return connection->proxy_refused(problem(500, "the path of the service is none"));
  }
  if (auto kept = pool_->take(key_)) {
    reused_ = true;
    return use(std::move(kept));
  }
  use(std::make_shared<Upstream>(*loop_));
}

void ProxiedRequest::use(std::shared_ptr<Upstream> upstream) {
  upstream_ = std::move(upstream);
  if (reused_) return on_connected({});
  expect_within(target_.connect_timeout);
  upstream_->connect(target_.host, target_.port, [self = shared_from_this()](const error_code& error) {
    if (self->connection_) self->on_connected(error);
  });
}

void ProxiedRequest::on_connected(const error_code& error) {
  if (error) return fail(502, fmt::format("connect to the service: {}", error.message()));
  connected_ = true;
  expect_within(target_.answer_timeout);
  MessageParser::Limits limits;
  limits.head_bytes = kAnswerHeadBytes;
  answer_ = MessageParser::for_answer(limits, connection_->request().method == "HEAD");
  const auto go = [self = shared_from_this()] {
    if (!self->connection_) return;
    self->writing_request_ = true;
    self->upstream_->write(self->request_head(), [self](const error_code& failed) {
      self->writing_request_ = false;
      // What failed shows when the answer is read, which may have come before the failure.
      if (!failed && self->connection_) self->pump_request();
    });
    self->read_answer();
  };
  if (!connection_->body_complete() &&
      lower_case(connection_->request().header("expect")) == "100-continue" && !connection_->continued()) {
    connection_->write(std::string(kContinue), {}, go);
  } else {
    go();
  }
}

std::string ProxiedRequest::request_head() const {
  const HttpRequest& request = connection_->request();
  std::string head = fmt::format("{} {} HTTP/1.1\r\n", request.method, target_.path);
  const auto add = [&head](std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
  };
  const std::string_view connection = request.header("connection");
  const auto is_set = [this](std::string_view name) {
    return std::any_of(target_.headers.begin(), target_.headers.end(),
                       [&](const auto& field) { return lower_case(field.first) == name; });
  };
  for (const auto& [name, value] : request.headers) {
    // Lengths are written anew, so that both sides agree about where the body ends.
    if (name == "content-length" || name == "expect" || name.starts_with("x-forwarded-") ||
        name == "forwarded")
      continue;
    if (is_hop_by_hop(name, connection) && name != "host") continue;
    if (contains(target_.removed_headers, name) || is_set(name)) continue;
    if (name == "cookie" && !target_.removed_cookies.empty()) {
      const std::string cookies = without_cookies(value, target_.removed_cookies);
      if (!cookies.empty()) add(name, cookies);
      continue;
    }
    add(name, value);
  }
  for (const auto& [name, value] : target_.headers) {
    if (is_header_name(name) && is_header_value(value)) add(name, value);
  }
  // A client of HTTP/1.0 need not say it, but the service may expect it.
  if (request.header("host").empty()) add("host", fmt::format("{}:{}", target_.host, target_.port));
  add("x-forwarded-for", request.peer);
  add("x-forwarded-proto", request.secure ? "https" : "http");
  add("x-forwarded-host", request.header("host"));
  if (const std::string upgrade = connection_->upgrade(); !upgrade.empty()) {
    add("connection", "upgrade");
    add("upgrade", upgrade);
  } else {
    add("connection", "keep-alive");
  }
  const MessageHead& framing = connection_->framing();
  if (framing.chunked) {
    add("transfer-encoding", "chunked");
  } else if (framing.content_length) {
    add("content-length", fmt::format_int(*framing.content_length).c_str());
  }
  return head + "\r\n";
}

void ProxiedRequest::on_client_input() {
  if (!connection_ || !connected_) return;
  if (tunnel_) return pump_tunnel();
  pump_request();
}

void ProxiedRequest::pump_request() {
  if (writing_request_ || request_done_ || !connection_) return;
  std::string piece = connection_->take_body();
  if (!connection_) return;  // what came was no body
  const bool complete = connection_->body_complete();
  const bool chunked = connection_->framing().chunked;
  if (!piece.empty()) body_used_ = true;
  if (chunked && !piece.empty()) piece = chunk(piece);
  if (chunked && complete) piece += "0\r\n\r\n";
  request_done_ = complete;
  if (piece.empty()) {
    if (!complete) connection_->read_more();
    return;
  }
  writing_request_ = true;
  expect_within(target_.answer_timeout);
  upstream_->write(std::move(piece), [self = shared_from_this()](const error_code& error) {
    self->writing_request_ = false;
    if (!error && self->connection_) self->pump_request();
  });
}

void ProxiedRequest::read_answer() {
  upstream_->read([self = shared_from_this()](const error_code& error, std::string_view bytes) {
    if (self->connection_) self->on_answer_bytes(error, bytes);
  });
}

void ProxiedRequest::on_answer_bytes(const error_code& error, std::string_view bytes) {
  if (error) return on_answer_end();
  if (tunnel_) {
    bytes_ += bytes.size();
    return connection_->write(std::string(bytes), {}, [self = shared_from_this()] { self->read_answer(); });
  }
  expect_within(target_.answer_timeout);
  if (!std::exchange(answer_begun_, true)) first_byte_ = since(started_);
  answer_input_ += bytes;
  parse_answer();
}

void ProxiedRequest::parse_answer() {
  std::string out;
  while (answer_->state() == MessageParser::State::kHead || answer_->state() == MessageParser::State::kBody) {
    const bool in_head = answer_->state() == MessageParser::State::kHead;
    const std::size_t used = answer_->feed(answer_input_);
    answer_input_.erase(0, used);
    if (in_head && (answer_->state() == MessageParser::State::kBody ||
                    answer_->state() == MessageParser::State::kComplete)) {
      const int status = answer_->head().status;
      if (status >= 100 && status < 200 && status != 101) {
        // An interim answer: this server gives its own.
        MessageParser::Limits limits;
        limits.head_bytes = kAnswerHeadBytes;
        answer_ = MessageParser::for_answer(limits, connection_->request().method == "HEAD");
        if (answer_input_.empty()) break;
        continue;
      }
      if (status == 101 && connection_->upgrade().empty()) {
        return fail(502, "the service changed the protocol, which nobody asked for");
      }
      out += answer_head();
      head_sent_ = true;
      if (status == 101) {
        tunnel_ = true;
        deadline_.clear();
        out += std::exchange(answer_input_, {});
        break;
      }
      if (answer_input_.empty()) break;
      continue;
    }
    if (used == 0 || answer_input_.empty()) break;
  }
  if (answer_->state() == MessageParser::State::kFailed) {
    return fail(502, "the answer of the service is not HTTP");
  }
  const std::string body = answer_->take_body();
  const bool complete = !tunnel_ && answer_->state() == MessageParser::State::kComplete;
  bytes_ += body.size();
  if (!body.empty()) out += chunk_answer_ ? chunk(body) : body;
  if (complete && chunk_answer_) out += "0\r\n\r\n";
  if (out.empty()) return complete ? finish() : read_answer();
  connection_->write(std::move(out), {}, [self = shared_from_this(), complete] {
    if (!self->connection_) return;
    if (complete) return self->finish();
    if (self->tunnel_) self->pump_tunnel();
    if (self->connection_) self->read_answer();
  });
}

std::string ProxiedRequest::answer_head() {
  const MessageHead& head = answer_->head();
  status_ = head.status;
  const bool has_body = status_has_body(status_) && connection_->request().method != "HEAD";
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", status_, reason_phrase(status_));
  const std::string_view connection = find_header(head.headers, "connection");
  for (const auto& [name, value] : head.headers) {
    if (name == "content-length" && head.chunked) continue;
    if (is_removed(target_, name, value)) continue;
    if (!is_hop_by_hop(name, connection)) out.append(name).append(": ").append(value).append("\r\n");
  }
  for (const auto& [name, value] : target_.added_answer_headers) {
    if (is_header_name(name) && is_header_value(value))
      out.append(name).append(": ").append(value).append("\r\n");
  }
  if (status_ == 101) {
    out.append("connection: upgrade\r\nupgrade: ")
        .append(find_header(head.headers, "upgrade"))
        .append("\r\n\r\n");
    return out;
  }
  if (has_body && !head.content_length) {
    if (connection_->speaks_chunks()) {
      chunk_answer_ = true;
      out += "transfer-encoding: chunked\r\n";
    } else {
      connection_->forbid_reuse();  // the end of the connection is the end of the body
    }
  }
  // An answer before the end of the request leaves bytes of it on the way.
  if (!request_done_ && !connection_->body_complete()) connection_->forbid_reuse();
  out += connection_->keeps_alive() ? "connection: keep-alive\r\n\r\n" : "connection: close\r\n\r\n";
  return out;
}

void ProxiedRequest::on_answer_end() {
  if (tunnel_) return connection_->close();
  if (!answer_begun_) return fail(502, "the service closed the connection without an answer");
  answer_->finish();
  if (answer_->state() != MessageParser::State::kComplete) {
    return fail(502, "the service closed the connection within its answer");
  }
  upstream_->close();
  parse_answer();
}

void ProxiedRequest::fail(int status, const std::string& why) {
  const auto connection = connection_;
  if (head_sent_)
    return connection->close();  // which cancels this: the client sees that the answer is cut off
  const bool repeatable = !body_used_ && !answer_begun_ &&
                          (!connected_ || target_.repeatable || is_repeatable(connection->request().method));
  if (repeatable && status != 504) {
    if (std::exchange(reused_, false)) {
      // The other side had closed a kept connection just then: that says nothing about the target.
      upstream_->close();
      connected_ = false;
      return use(std::make_shared<Upstream>(*loop_));
    }
    end(0);
    return connection->ask_proxy_again(why);
  }
  end(0);
  connection->proxy_refused(problem(status, why));
}

void ProxiedRequest::finish() {
  const auto connection = connection_;
  if (!request_done_ && !connection->body_complete()) connection->forbid_reuse();
  const bool reusable = answer_->head().keep_alive && answer_input_.empty() && !writing_request_ &&
                        request_done_ && !upstream_->closed();
  if (reusable) pool_->give(key_, std::exchange(upstream_, nullptr));
  end(status_);
  connection->finish_proxied();
}

void ProxiedRequest::pump_tunnel() {
  if (writing_request_ || !connection_ || !head_sent_) return;
  std::string bytes = connection_->take_input();
  if (bytes.empty()) return connection_->read_more();
  writing_request_ = true;
  upstream_->write(std::move(bytes), [self = shared_from_this()](const error_code& error) {
    self->writing_request_ = false;
    if (!self->connection_) return;
    if (error) return self->connection_->close();
    self->pump_tunnel();
  });
}

void ProxiedRequest::cancel() {
  if (connection_) end(status_);
}

void ProxiedRequest::end(int status) {
  deadline_.close();
  if (upstream_) upstream_->close();
  connection_ = nullptr;
  if (target_.on_done) std::exchange(target_.on_done, nullptr)(status, bytes_, first_byte_);
}

void ProxiedRequest::expect_within(base::Duration limit) {
  deadline_.set(std::chrono::nanoseconds(limit.nanoseconds()), shared_from_this());
}

}  // namespace fairlead::net
