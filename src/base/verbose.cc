#include "base/verbose.h"

#include <cstdlib>
#include <cstring>

namespace fastconv {

bool is_verbose() {
  const char* text = std::getenv("FASTCONV_VERBOSE");
  return text && *text && std::strcmp(text, "0") != 0;
}

}  // namespace fastconv
