# THE table of instruction sets: a kernel file `src/kernels/<family>/<isa>.cc` is compiled with the flags of its row,
# and only for the processors of its row. Run-time choice is in src/base/cpu.cc; keep the names equal.
set(FASTCONV_ALL_ISAS scalar avx2 avx512)

set(FASTCONV_FLAGS_scalar "")
set(FASTCONV_FLAGS_avx2 -mavx2 -mfma)
set(FASTCONV_FLAGS_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mprefer-vector-width=512)

# The rows this processor family has.
set(FASTCONV_ISAS scalar)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  list(APPEND FASTCONV_ISAS avx2 avx512)
endif()
