#pragma once

#include "cli/environment.h"

#include <fmt/format.h>

#include <cstddef>
#include <ostream>
#include <string>
#include <utility>

namespace fairlead::cli {

/// A line on a terminal that is written over until it is done.
class ProgressBar {
 public:
  /// `what` is being done: "replaying". Both arguments outlive the bar.
  ProgressBar(const Environment& environment, std::string what)
      : environment_(environment), what_(std::move(what)) {}

  void show(std::size_t done, std::size_t total) {
    const std::size_t percent = total == 0 ? 100 : done * 100 / total;
    if (percent == shown_) return;
    shown_ = percent;
    const std::size_t filled = percent * kWidth / 100;
    environment_.err << fmt::format("\r{} [{}{}] {:3} %", what_, std::string(filled, '#'),
                                    std::string(kWidth - filled, ' '), percent)
                     << std::flush;
  }
  void remove() {
    if (shown_ != kNothing) environment_.err << "\r\x1b[K" << std::flush;
  }

 private:
  static constexpr std::size_t kWidth = 30;
  static constexpr std::size_t kNothing = 101;
  const Environment& environment_;
  std::string what_;
  std::size_t shown_ = kNothing;
};

}  // namespace fairlead::cli
