// The algorithms, one file each. choose.cc lists them in order.
#pragma once

#include "conv/algorithm.h"

namespace fastconv {

extern const Algorithm kDepthwise;
extern const Algorithm kDirect;
extern const Algorithm kDirectBf16;
extern const Algorithm kDirectBf16x3;
extern const Algorithm kDirectBf16x6;
extern const Algorithm kIm2col;
extern const Algorithm kCol2im;
extern const Algorithm kWinograd2;
extern const Algorithm kWinograd3;
extern const Algorithm kWinograd4;
extern const Algorithm kWinograd6;
extern const Algorithm kReference;

}  // namespace fastconv
