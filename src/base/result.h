#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace fairlead::base {

/// The canonical error codes (those of gRPC), which map one to one to HTTP status and Kubernetes reasons.
enum class Code {
  kInvalidArgument,
  kNotFound,
  kAlreadyExists,
  kFailedPrecondition,
  kOutOfRange,
  kResourceExhausted,
  kPermissionDenied,
  kUnavailable,
  kUnimplemented,
  kInternal,
};

/// Why an operation failed, in words that compose: no capital letter, no full stop. A verdict of the
/// scheduler ("does not fit") is not an error.
class [[nodiscard]] Error {
 public:
  Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  Code code() const { return code_; }
  const std::string& message() const { return message_; }
  /// The same error with what was being done in front: "read queues.yaml: ...".
  Error in(std::string_view context) const {
    std::string message(context);
    message += ": ";
    message += message_;
    return Error(code_, std::move(message));
  }

 private:
  Code code_;
  std::string message_;
};

inline Error invalid_argument(std::string message) {
  return Error(Code::kInvalidArgument, std::move(message));
}
inline Error not_found(std::string message) { return Error(Code::kNotFound, std::move(message)); }

/// A value or the error that kept it from being made. Errors are values; exceptions stop at a library's
/// border.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  const T& value() const& { return std::get<0>(state_); }
  T& value() & { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value, or an error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace fairlead::base
