#pragma once

#include "net/channel.h"

#include <array>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace fairlead::net {

/// One connection to the server behind the proxy. Lives on one loop.
class Upstream : public std::enable_shared_from_this<Upstream> {
 public:
  using Read = MoveFunction<void(const error_code&, std::string_view)>;
  using Written = MoveFunction<void(const error_code&)>;

  explicit Upstream(EventLoop& loop) : socket_(loop.context()) {}

  /// Connects to an address. `error` without a socket call: the address is none.
  void connect(const std::string& address, std::uint16_t port, Written done);
  /// The next bytes. A read that is open already (of an idle connection) is taken over.
  void read(Read done);
  /// One at a time.
  void write(std::string bytes, Written done);
  void close();
  bool closed() const { return closed_; }

 private:
  void write_on();

  StreamSocket socket_;
  std::array<char, 16384> block_;
  Read on_read_;
  bool reading_ = false;
  bool closed_ = false;
  std::string output_;
  std::size_t output_done_ = 0;
  Written written_;
};

/// Connections that wait for the next request, by where they lead to. One for each loop, touched by its
/// thread only.
class UpstreamPool : public std::enable_shared_from_this<UpstreamPool> {
 public:
  explicit UpstreamPool(std::size_t max_idle) : max_idle_(max_idle) {}

  /// The one used last, or null.
  std::shared_ptr<Upstream> take(const std::string& key);
  /// Keeps the connection until it is taken, or the other end closes it.
  void give(const std::string& key, std::shared_ptr<Upstream> upstream);
  void clear();

 private:
  const std::size_t max_idle_;
  std::map<std::string, std::list<std::shared_ptr<Upstream>>> idle_;
  bool closed_ = false;
};

}  // namespace fairlead::net
