#pragma once

#include "net/headers.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::net {

/// The start and the fields of a message of HTTP/1.
struct MessageHead {
  std::string method;  ///< of a request
  std::string target;  ///< of a request
  int status = 0;      ///< of an answer
  bool is_1_1 = true;
  Headers headers;
  bool keep_alive = true;
  bool chunked = false;
  std::optional<std::uint64_t> content_length;

  /// What the Upgrade field asks for, in lower case; empty when the connection is not to be upgraded.
  std::string upgrade() const;
};

/// Reads one message of HTTP/1 from bytes as they come. Strict where leniency lets two parties disagree about
/// where a message ends: a length given twice, or besides chunked coding, or any other coding, is an error.
class MessageParser {
 public:
  enum class State : std::uint8_t { kHead, kBody, kComplete, kFailed };
  struct Limits {
    std::size_t head_bytes = 16 * 1024;
    std::optional<std::uint64_t> body_bytes;  ///< absent: any number
  };
  struct Failure {
    int status = 400;  ///< what a server answers
    std::string message;
  };

  static std::unique_ptr<MessageParser> for_request(Limits limits);
  /// `to_head`: the answer to a HEAD request, which has no body whatever its length says.
  static std::unique_ptr<MessageParser> for_answer(Limits limits, bool to_head);
  virtual ~MessageParser() = default;

  /// Reads on; returns how many bytes it is done with. What it left must come again, with more behind it.
  /// Stops after the head, so that the caller may look at it before the body, and after the message.
  virtual std::size_t feed(std::string_view bytes) = 0;
  /// No bytes will come any more: completes a body that ends with the connection, fails otherwise.
  virtual void finish() = 0;
  virtual void limit_body(std::uint64_t bytes) = 0;

  State state() const { return state_; }
  const Failure& failure() const { return failure_; }
  const MessageHead& head() const { return head_; }
  MessageHead& head() { return head_; }
  /// The bytes of the body since the last call.
  std::string take_body() { return std::exchange(body_, {}); }
  std::size_t body_waiting() const { return body_.size(); }

 protected:
  State state_ = State::kHead;
  Failure failure_;
  MessageHead head_;
  std::string body_;
};

}  // namespace fairlead::net
