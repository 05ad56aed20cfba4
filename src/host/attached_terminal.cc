#include "host/attached_terminal.h"

#include "host/attached_command.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <mutex>
#include <thread>
#include <utility>

namespace fairlead::host {
namespace {

constexpr std::size_t kMostWaiting = 1 << 20;  // input that the command does not read yet

class AttachedTerminal final : public world::Terminal {
 public:
  AttachedTerminal(AttachedCommand command, world::TerminalEvents events)
      : command_(std::move(command)),
        events_(std::move(events)),
        wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    thread_ = std::thread([this] { pump(); });
  }
  ~AttachedTerminal() override {
    {
      const std::lock_guard hold(mutex_);
      hung_up_ = true;
    }
    wake();
    // It may be dropped by what it tells, on its own thread.
    if (thread_.get_id() == std::this_thread::get_id()) {
      thread_.detach();
    } else {
      thread_.join();
    }
  }

  void write(std::string_view bytes) override {
    {
      const std::lock_guard hold(mutex_);
      if (waiting_.size() + bytes.size() <= kMostWaiting) waiting_ += bytes;
      if (bytes.empty()) input_ended_ = true;
    }
    wake();
  }
  void resize(std::uint16_t columns, std::uint16_t rows) override { (void)command_.resize(rows, columns); }

 private:
  void wake() const {
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof(one));
  }

  /// False at the end of the stream.
  bool hand_over(int descriptor) {
    std::array<char, 16384> buffer;
    const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
    if (got > 0) events_.on_output({buffer.data(), static_cast<std::size_t>(got)});
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
  }

  void pump() {
    bool output = true;
    bool error = command_.error() >= 0;
    bool ended = false;
    while (output || error || !ended) {
      bool to_write = false;
      {
        const std::lock_guard hold(mutex_);
        if (hung_up_) return;
        to_write = !waiting_.empty() && command_.input() >= 0;
      }
      std::array<pollfd, 5> watched = {{{wake_.get(), POLLIN, 0},
                                        {ended ? -1 : command_.descriptor(), POLLIN, 0},
                                        {output ? command_.output() : -1, POLLIN, 0},
                                        {error ? command_.error() : -1, POLLIN, 0},
                                        {to_write ? command_.input() : -1, POLLOUT, 0}}};
      // When the command has ended, what it wrote is read, but nobody is waited for.
      constexpr int kLastWords = 100;
      const int ready = poll(watched.data(), watched.size(), ended ? kLastWords : -1);
      if (ended && ready == 0) break;
      std::uint64_t count = 0;
      (void)!::read(wake_.get(), &count, sizeof(count));
      if (watched[4].revents != 0) feed();
      if (watched[2].revents != 0) output = hand_over(command_.output());
      if (watched[3].revents != 0) error = hand_over(command_.error());
      if (!ended && watched[1].revents != 0) ended = command_.exit().has_value();
    }
    const std::optional<ProcessExit> exit = command_.exit();
    constexpr std::int32_t kSignalBase = 128;  // as shells tell it
    const std::int32_t code = !exit ? -1 : exit->code ? *exit->code : kSignalBase + exit->signal.value_or(0);
    const auto on_exit = events_.on_exit;  // telling it may drop this
    on_exit(code);
  }

  void feed() {
    const std::lock_guard hold(mutex_);
    const ssize_t taken = ::write(command_.input(), waiting_.data(), waiting_.size());
    if (taken > 0) waiting_.erase(0, static_cast<std::size_t>(taken));
    if (taken < 0 && errno != EAGAIN && errno != EINTR) waiting_.clear();
    if (waiting_.empty() && input_ended_) command_.close_input();
  }

  AttachedCommand command_;
  world::TerminalEvents events_;
  base::Descriptor wake_;
  std::mutex mutex_;
  std::string waiting_;  // guarded by mutex_, as are the two below
  bool hung_up_ = false;
  bool input_ended_ = false;
  std::thread thread_;
};

}  // namespace

base::Result<std::unique_ptr<world::Terminal>> attach_terminal(const std::string& folder,
                                                               const std::vector<std::string>& command,
                                                               bool terminal, world::TerminalEvents events) {
  AttachRequest request;
  request.command = command;
  request.terminal = terminal;
  if (terminal) request.environment.emplace_back("TERM", "xterm-256color");
  auto started = AttachedCommand::start(folder, request);
  if (!started) return started.error();
  return std::unique_ptr<world::Terminal>(
      std::make_unique<AttachedTerminal>(std::move(*started), std::move(events)));
}

}  // namespace fairlead::host
