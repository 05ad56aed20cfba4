#include "host/port_connection.h"

#include "base/descriptor.h"
#include "base/files.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace fairlead::host {
namespace {

constexpr int kConnectMilliseconds = 2000;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin == std::string_view::npos) return words;
    line.remove_prefix(begin);
    const std::size_t end = std::min(line.find(' '), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

template <class Number>
std::optional<Number> number_of(std::string_view text, int base) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Addresses as the kernel prints them, in words of the machine's byte order.
bool is_reachable(std::string_view address, bool ipv6) {
  constexpr std::string_view kIpv6Any = "00000000000000000000000000000000";
  constexpr std::string_view kIpv6Loopback = "00000000000000000000000001000000";
  if (ipv6) return address == kIpv6Any || address == kIpv6Loopback;
  return address == "00000000" || address == "0100007F";
}

bool holds(std::int64_t pid, const std::string& socket) {
  std::error_code error;
  const std::string folder = "/proc/" + std::to_string(pid) + "/fd";
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;
    if (std::filesystem::read_symlink(at->path(), gone) == socket) return true;
  }
  return false;
}

base::Result<base::Descriptor> connect_loopback(const Listener& listener) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (listener.ipv6) {
    auto& address = reinterpret_cast<sockaddr_in6&>(storage);
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    address.sin6_port = htons(listener.port);
    size = sizeof(address);
  } else {
    auto& address = reinterpret_cast<sockaddr_in&>(storage);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(listener.port);
    size = sizeof(address);
  }
  base::Descriptor socket(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return base::system_error("make a socket");
  if (connect(socket.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) {
    pollfd wait{socket.get(), POLLOUT, 0};
    if (errno != EINPROGRESS || poll(&wait, 1, kConnectMilliseconds) <= 0)
      return base::system_error(fmt::format("connect to port {}", listener.port));
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    errno = error;
    if (error != 0) return base::system_error(fmt::format("connect to port {}", listener.port));
  }
  const int on = 1;
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

// What the connection and its thread share; the thread may outlive the connection, which one of the thread's
// own events may drop.
class Stream {
 public:
  Stream(base::Descriptor socket, world::PortEvents events)
      : socket_(std::move(socket)),
        wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        events_(std::move(events)) {}

  void write(std::string bytes, std::function<void()> taken) {
    {
      const std::lock_guard hold(mutex_);
      if (!write_failed_ && !dropped_) {
        output_ = std::move(bytes);
        taken_ = std::exchange(taken, nullptr);
      }
    }
    if (taken) return taken();
    wake();
  }
  void end() {
    {
      const std::lock_guard hold(mutex_);
      end_asked_ = true;
    }
    wake();
  }
  void go_on() {
    {
      const std::lock_guard hold(mutex_);
      paused_ = false;
    }
    wake();
  }
  void drop() {
    {
      const std::lock_guard hold(mutex_);
      dropped_ = true;
    }
    wake();
  }

  void run() {
    bool reading = true;
    std::string input;  // read, and not taken yet
    while (reading || !input.empty()) {
      short output_events = 0;
      bool paused = false;
      {
        const std::lock_guard hold(mutex_);
        if (dropped_) return finish_writing();
        paused = paused_;
        if (!output_.empty()) output_events = POLLOUT;
      }
      if (!paused && !input.empty() && give(input)) continue;
      const bool wants_input = reading && input.empty();
      const auto events = static_cast<short>((wants_input ? POLLIN : 0) | output_events);
      std::array<pollfd, 2> watched = {
          {{wake_.get(), POLLIN, 0}, {events != 0 ? socket_.get() : -1, events, 0}}};
      poll(watched.data(), watched.size(), -1);
      std::uint64_t count = 0;
      (void)!::read(wake_.get(), &count, sizeof(count));
      feed();
      if (wants_input && (watched[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) reading = read(input);
    }
    finish_writing();
    std::function<void()> on_end;
    {
      const std::lock_guard hold(mutex_);
      if (!dropped_) on_end = events_.on_end;
    }
    if (on_end) on_end();
  }

 private:
  void wake() const {
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof(one));
  }

  // True: taken, and the input is empty.
  bool give(std::string& input) {
    {
      const std::lock_guard hold(mutex_);
      paused_ = true;  // until it is taken or go_on() is called, which may be before this returns
    }
    if (!events_.on_bytes(input)) return false;
    input.clear();
    const std::lock_guard hold(mutex_);
    paused_ = false;
    return true;
  }

  // False: nothing more will come.
  bool read(std::string& input) {
    constexpr std::size_t kPiece = 64 * 1024;
    input.resize(kPiece);
    const ssize_t got = ::read(socket_.get(), input.data(), input.size());
    const bool later = got < 0 && (errno == EAGAIN || errno == EINTR);
    input.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return got > 0 || later;
  }

  void feed() {
    std::function<void()> taken;
    {
      const std::lock_guard hold(mutex_);
      if (!output_.empty()) {
        const ssize_t sent = send(socket_.get(), output_.data(), output_.size(), MSG_NOSIGNAL);
        if (sent > 0) output_.erase(0, static_cast<std::size_t>(sent));
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
          write_failed_ = true;
          output_.clear();
        }
      }
      if (output_.empty()) {
        taken = std::exchange(taken_, nullptr);
        if (end_asked_ && !std::exchange(end_sent_, true)) shutdown(socket_.get(), SHUT_WR);
      }
    }
    if (taken) taken();
  }

  void finish_writing() {
    std::function<void()> taken;
    {
      const std::lock_guard hold(mutex_);
      write_failed_ = true;
      output_.clear();
      taken = std::exchange(taken_, nullptr);
    }
    if (taken) taken();
  }

  const base::Descriptor socket_;
  const base::Descriptor wake_;
  const world::PortEvents events_;
  std::mutex mutex_;
  std::string output_;  // guarded by mutex_, as are those below
  std::function<void()> taken_;
  bool paused_ = false;
  bool end_asked_ = false;
  bool end_sent_ = false;
  bool write_failed_ = false;
  bool dropped_ = false;
};

class LoopbackConnection final : public world::PortConnection {
 public:
  explicit LoopbackConnection(std::shared_ptr<Stream> stream)
      : stream_(std::move(stream)), thread_([shared = stream_] { shared->run(); }) {}
  LoopbackConnection(const LoopbackConnection&) = delete;
  LoopbackConnection& operator=(const LoopbackConnection&) = delete;
  ~LoopbackConnection() override {
    stream_->drop();
    // It may be dropped by what it tells, on its own thread.
    if (thread_.get_id() == std::this_thread::get_id()) {
      thread_.detach();
    } else {
      thread_.join();
    }
  }

  void write(std::string bytes, std::function<void()> taken) override {
    stream_->write(std::move(bytes), std::move(taken));
  }
  void end() override { stream_->end(); }
  void go_on() override { stream_->go_on(); }

 private:
  std::shared_ptr<Stream> stream_;
  std::thread thread_;
};

}  // namespace

std::vector<Listener> listeners_in(std::string_view table, bool ipv6, std::uint16_t port) {
  std::vector<Listener> found;
  while (!table.empty()) {
    const std::size_t end = std::min(table.find('\n'), table.size());
    const auto words = words_of(table.substr(0, end));
    table.remove_prefix(std::min(end + 1, table.size()));
    // "0: 0100007F:1F90 00000000:0000 0A ... inode"; 0A: it listens
    constexpr std::size_t kInode = 9;
    if (words.size() <= kInode || words[3] != "0A") continue;
    const std::size_t colon = words[1].find(':');
    if (colon == std::string_view::npos || !is_reachable(words[1].substr(0, colon), ipv6)) continue;
    const auto at = number_of<std::uint16_t>(words[1].substr(colon + 1), 16);
    const auto inode = number_of<std::uint64_t>(words[kInode], 10);
    if (at == port && inode) found.push_back({port, ipv6, *inode});
  }
  return found;
}

std::optional<Listener> find_listener(const std::vector<std::int64_t>& pids, std::uint16_t port) {
  for (const bool ipv6 : {false, true}) {
    const auto table = base::read_file(ipv6 ? "/proc/net/tcp6" : "/proc/net/tcp");
    if (!table) continue;
    for (const Listener& listener : listeners_in(*table, ipv6, port)) {
      const std::string socket = fmt::format("socket:[{}]", listener.inode);
      if (std::any_of(pids.begin(), pids.end(), [&](std::int64_t pid) { return holds(pid, socket); }))
        return listener;
    }
  }
  return std::nullopt;
}

base::Result<std::unique_ptr<world::PortConnection>> connect_to_listener(const Listener& listener,
                                                                         world::PortEvents events) {
  auto socket = connect_loopback(listener);
  if (!socket) return socket.error();
  return std::unique_ptr<world::PortConnection>(
      std::make_unique<LoopbackConnection>(std::make_shared<Stream>(std::move(*socket), std::move(events))));
}

}  // namespace fairlead::host
