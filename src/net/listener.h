#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>

namespace fairlead::net {

/// A file descriptor that is closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&& other) noexcept : value_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const { return value_; }
  int release();

 private:
  int value_;
};

struct TcpListener {
  Descriptor descriptor;
  std::uint16_t port = 0;
  int family = 0;
};

/// Listens at an address of IPv4 or IPv6 ("127.0.0.1", "::1", "0.0.0.0"). Errors: kInvalidArgument (no
/// address), kAlreadyExists (taken, by whom where the system tells), kPermissionDenied, kUnavailable.
base::Result<TcpListener> listen_tcp(const std::string& address, std::uint16_t port);

/// Listens at a socket file that only its owner may open (0600). A file that a dead server left is replaced;
/// one behind which somebody answers is kAlreadyExists.
base::Result<Descriptor> listen_unix(const std::string& path);

/// "process 123 (python3)", or empty when the system does not tell.
std::string listening_process(std::uint16_t port);

}  // namespace fairlead::net
