#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace fairlead::net {

/// Threads that run handlers, in the order of their coming. What waits is bounded.
class HandlerPool {
 public:
  HandlerPool(std::size_t threads, std::size_t max_waiting);
  HandlerPool(const HandlerPool&) = delete;
  HandlerPool& operator=(const HandlerPool&) = delete;
  ~HandlerPool();

  /// False: too many wait, or the pool is stopping; the task is dropped.
  bool submit(std::function<void()> task);
  /// Without the bound, for tasks whose number is bounded otherwise; dropped only when the pool is stopping.
  void submit_always(std::function<void()> task);
  /// Waits for what runs; what waits is dropped.
  void stop();

 private:
  void work();

  const std::size_t max_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;  // guarded by mutex_
  bool stopping_ = false;                      // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace fairlead::net
