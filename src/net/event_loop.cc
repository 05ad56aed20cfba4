#include "net/event_loop.h"

#include <boost/asio/post.hpp>

#include <csignal>

namespace fairlead::net {

EventLoop::EventLoop() : context_(1), work_(context_.get_executor()) {
  thread_ = std::thread([this] {
    // A signal for the process is for the thread that waits for signals.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    context_.run();
  });
}

EventLoop::~EventLoop() { stop(true); }

void EventLoop::post(MoveFunction<void()> function) { asio::post(context_, std::move(function)); }

void EventLoop::stop(bool now) {
  work_.reset();
  if (now) context_.stop();
  if (!thread_.joinable()) return;
  if (thread_.get_id() == std::this_thread::get_id()) {
    thread_.detach();  // the last owner let go on the loop itself, which ends with this function
  } else {
    thread_.join();
  }
}

void Deadline::set(std::chrono::nanoseconds from_now, std::shared_ptr<void> keep) {
  if (closed_) return;
  due_ = SteadyClock::now() + from_now;
  if (due_ < armed_) wait(std::move(keep));
}

void Deadline::close() {
  closed_ = true;
  clear();
  timer_.cancel();
}

void Deadline::wait(std::shared_ptr<void> keep) {
  armed_ = due_;
  const std::uint64_t generation = ++generation_;
  timer_.expires_at(due_);
  timer_.async_wait([this, generation, keep = std::move(keep)](const boost::system::error_code& error) {
    if (closed_ || error || generation != generation_) return;
    armed_ = SteadyClock::time_point::max();
    if (due_ == SteadyClock::time_point::max()) return;
    if (SteadyClock::now() < due_) {
      wait(keep);
    } else {
      clear();
      on_passed_();
    }
  });
}

}  // namespace fairlead::net
