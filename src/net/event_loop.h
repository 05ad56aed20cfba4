#pragma once

#include "net/move_function.h"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <memory>
#include <thread>

namespace fairlead::net {

namespace asio = boost::asio;
using SteadyClock = std::chrono::steady_clock;
using Executor = asio::io_context::executor_type;
using Timer = asio::basic_waitable_timer<SteadyClock, asio::wait_traits<SteadyClock>, Executor>;

/// One thread and what it waits for. Whatever belongs to a loop (its sockets, their connections) is touched
/// by its thread only; others `post`. A loop is shared by all that may post to it, and outlives them.
class EventLoop {
 public:
  EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  ~EventLoop();

  asio::io_context& context() { return context_; }
  /// Runs the function on the loop's thread, soon. Any thread.
  void post(MoveFunction<void()> function);
  /// Ends the thread once nothing is left to do, or at once when `now`. Not from the loop's own thread.
  void stop(bool now);

 private:
  asio::io_context context_;
  asio::executor_work_guard<Executor> work_;
  std::thread thread_;
};

/// A time limit that is moved often and met seldom: moving it back costs a store, not a system call.
class Deadline {
 public:
  explicit Deadline(EventLoop& loop) : timer_(loop.context()) {}

  /// Called when the limit passes. Must be set before the first `set`; holds what it captures until `close`.
  void on_passed(MoveFunction<void()> function) { on_passed_ = std::move(function); }
  /// `keep` keeps the owner alive while a wait is open.
  void set(std::chrono::nanoseconds from_now, std::shared_ptr<void> keep);
  void clear() { due_ = SteadyClock::time_point::max(); }
  void close();

 private:
  void wait(std::shared_ptr<void> keep);

  Timer timer_;
  SteadyClock::time_point due_ = SteadyClock::time_point::max();
  SteadyClock::time_point armed_ = SteadyClock::time_point::max();
  std::uint64_t generation_ = 0;
  bool closed_ = false;
  MoveFunction<void()> on_passed_;
};

}  // namespace fairlead::net
