// FASTCONV_VERBOSE=1: a line on stderr for each plan that is made, and one for each of its runs. The variable is read
// when a plan is made, so that a run costs no look at the environment. Used by graph/plan.cc and api/conv_runner.cc.
#pragma once

#include <chrono>

namespace fastconv {

// Whether FASTCONV_VERBOSE is set to anything but 0.
bool is_verbose();

// Times a run from its construction on, where runs are told of at all.
class RunClock {
 public:
  explicit RunClock(bool told) noexcept {
    if (told) begin_ = Clock::now();
  }
  double ms() const noexcept { return std::chrono::duration<double, std::milli>(Clock::now() - begin_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point begin_;
};

}  // namespace fastconv
