#pragma once

#include "base/descriptor.h"
#include "base/result.h"

#include <cstdint>
#include <string>
#include <utility>

namespace fairlead::cli {

/// A TCP port on this machine that waits for connections.
class LocalPort {
 public:
  /// `address`: of this machine, as a number. `port` 0: any that is free. Errors: kInvalidArgument,
  /// kAlreadyExists, kPermissionDenied.
  static base::Result<LocalPort> listen(const std::string& address, std::uint16_t port);

  std::uint16_t port() const { return port_; }
  int descriptor() const { return socket_.get(); }  ///< readable when somebody connects
  /// The next connection; not valid when there is none after all.
  base::Descriptor accept() const;

 private:
  explicit LocalPort(base::Descriptor socket, std::uint16_t port) : socket_(std::move(socket)), port_(port) {}
  base::Descriptor socket_;
  std::uint16_t port_ = 0;
};

}  // namespace fairlead::cli
