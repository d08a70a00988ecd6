// Which instruction set is best for which features; or, with an argument, what the system says to a wish for AMX's
// tiles. Built and run by test_isa.py.
#include <cstdio>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/tile_permission.h"

namespace {

using namespace fastconv;

int asked = 0;
std::string grant() {
  ++asked;
  return {};
}
std::string refuse() {
  ++asked;
  return "no";
}

bool is(Isa best, int times_asked, const std::vector<std::string>& features, std::string (*answer)(),
        const std::string& refused) {
  asked = 0;
  std::string reason = "of another time";
  const Isa found = best_isa(features, answer, reason);
  if (found == best && asked == times_asked && reason == refused) return true;
  std::printf("%s for %s, asked %d times, refused: %s\n", isa_name(found), features.back().c_str(), asked,
              reason.c_str());
  return false;
}

}  // namespace

int main(int argc, char**) {
  if (argc > 1) {
    std::puts(ask_for_tiles().c_str());
    return 0;
  }
  std::vector<std::string> features{"avx", "avx2"};
  const auto with = [&](const char* name) {
    features.emplace_back(name);
    return features;
  };
  bool right = is(Isa::scalar, 0, features, grant, "") && is(Isa::avx2, 0, with("fma"), grant, "");
  for (const char* name : {"avx512f", "avx512dq", "avx512bw"}) right = right && is(Isa::avx2, 0, with(name), grant, "");
  right = right && is(Isa::avx512, 0, with("avx512vl"), grant, "");
  right = right && is(Isa::avx512bf16, 0, with("avx512bf16"), grant, "");
  right = right && is(Isa::avx512bf16, 0, with("amx_tile"), grant, "");
  right = right && is(Isa::amx, 1, with("amx_bf16"), grant, "") && is(Isa::avx512bf16, 1, features, refuse, "no");
  right =
      right && is(Isa::avx512, 0,
                  {"avx2", "fma", "avx512f", "avx512dq", "avx512bw", "avx512vl", "amx_tile", "amx_bf16"}, grant, "");
  if (right) std::puts("right");
  return right ? 0 : 1;
}
