// All that the choice of an algorithm may know of the processor: the questions of tests name any, plans this one.
#pragma once

#include "base/cpu.h"

namespace fastconv {

struct Machine {
  Isa isa = Isa::scalar;
  int64_t l2_bytes = 1 << 20;

  static Machine here(Isa isa) { return {isa, cpu_info().l2_bytes}; }
};

}  // namespace fastconv
