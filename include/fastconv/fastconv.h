// fastconv's public C++ interface, all of it. C++17; the namespace is fastconv; errors are exceptions thrown before
// any work begins: std::invalid_argument with "what: rule, got value", or std::bad_alloc.
#pragma once

#include <stdexcept>

#include "fastconv/conv.h"
#include "fastconv/network.h"
#include "fastconv/runtime.h"
#include "fastconv/version.h"
