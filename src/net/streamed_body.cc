#include "net/streamed_body.h"

#include "net/connection.h"

#include <utility>

namespace fairlead::net {

bool StreamedBody::write(std::string_view bytes) {
  bool call = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || ended_) return false;
    if (waiting_.size() + in_flight_ >= limit_) return false;
    if (bytes.empty()) return true;
    waiting_.append(bytes);
    call = !std::exchange(called_, true);
  }
  if (call) call_for_taking();
  return true;
}

void StreamedBody::end() {
  bool call = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || ended_) return;
    ended_ = true;
    call = !std::exchange(called_, true);
  }
  if (call) call_for_taking();
}

bool StreamedBody::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

void StreamedBody::on_closed(std::function<void()> function) {
  {
    const std::lock_guard lock(mutex_);
    if (!closed_) {
      on_closed_ = std::move(function);
      return;
    }
  }
  function();
}

void StreamedBody::on_room(std::function<void()> function) {
  {
    const std::lock_guard lock(mutex_);
    if (!closed_ && waiting_.size() + in_flight_ >= limit_) {
      on_room_ = std::move(function);
      return;
    }
  }
  function();
}

StreamedBody::Taken StreamedBody::take() {
  const std::lock_guard lock(mutex_);
  called_ = false;
  in_flight_ = waiting_.size();
  return {std::exchange(waiting_, {}), ended_};
}

void StreamedBody::sent() {
  std::function<void()> function;
  {
    const std::lock_guard lock(mutex_);
    in_flight_ = 0;
    if (waiting_.size() < limit_) function = std::exchange(on_room_, nullptr);
  }
  if (function) function();
}

void StreamedBody::close() {
  std::function<void()> closed;
  std::function<void()> room;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(closed_, true)) return;
    closed = std::exchange(on_closed_, nullptr);
    room = std::exchange(on_room_, nullptr);  // so that whoever waits for room sees that it is over
    waiting_.clear();
  }
  if (closed) closed();
  if (room) room();
}

void StreamedBody::call_for_taking() {
  loop_->post([connection = connection_, self = shared_from_this()] {
    if (const auto alive = connection.lock()) alive->pump_stream(self.get());
  });
}

}  // namespace fairlead::net
