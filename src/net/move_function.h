#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace fairlead::net {

template <class Signature>
class MoveFunction;

/// A function object that is moved and never copied, so that it may own what it needs. Called once at most by
/// convention, but not by force.
template <class... Arguments>
class MoveFunction<void(Arguments...)> {
 public:
  MoveFunction() = default;
  template <class Function>
    requires(!std::is_same_v<std::remove_cvref_t<Function>, MoveFunction>)
  MoveFunction(Function&& function)  // NOLINT(google-explicit-constructor): stands where a lambda is written
      : held_(std::make_unique<Held<std::remove_cvref_t<Function>>>(std::forward<Function>(function))) {}

  explicit operator bool() const { return held_ != nullptr; }
  void operator()(Arguments... arguments) { held_->call(arguments...); }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual void call(Arguments... arguments) = 0;
  };
  template <class Function>
  struct Held final : Base {
    template <class From>
    explicit Held(From&& from) : function(std::forward<From>(from)) {}
    void call(Arguments... arguments) override { function(arguments...); }
    Function function;
  };
  std::unique_ptr<Base> held_;
};

}  // namespace fairlead::net
