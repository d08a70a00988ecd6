# THE table of instruction sets: a kernel file `src/kernels/<family>/<isa>.cc` is compiled with the flags of its row,
# and only for the processors of its row. Run-time choice is in src/base/cpu.cc; keep the names equal.
set(FASTCONV_ALL_ISAS scalar avx2 avx512 avx512bf16 amx)

set(FASTCONV_FLAGS_scalar "")
set(FASTCONV_FLAGS_avx2 -mavx2 -mfma)
set(FASTCONV_FLAGS_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mprefer-vector-width=512)
# GCC 12 allots registers over several loops at once, and then keeps the weights of tap-GEMM's tiles of 10 to 13 rows on
# the stack, inside the loop of multiply-adds, though registers are free: half the speed (1x1 64@14 to 384: 0.080 ms for
# 0.047 on a Zen 5, November 2026; tests/house/test_registers.py). With each loop for itself it does not.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND FASTCONV_FLAGS_avx512 -fira-region=all)
endif()
set(FASTCONV_FLAGS_avx512bf16 ${FASTCONV_FLAGS_avx512} -mavx512bf16)

# For developers: where the machine has no AVX-512, its rows are compiled on AVX2 and run all the same. Slow, and true of
# the code of the kernels, not of the compiler's AVX-512 instructions. Never for users: a wheel refuses it.
option(FASTCONV_EMULATE_AVX512 "Run the AVX-512 kernels on AVX2, for tests on machines without AVX-512" OFF)
if(FASTCONV_EMULATE_AVX512)
  foreach(isa avx512 avx512bf16)
    set(FASTCONV_FLAGS_${isa} ${FASTCONV_FLAGS_avx2} -include ${PROJECT_SOURCE_DIR}/tests/emulated_avx512.h)
  endforeach()
endif()

# Tiles are used through assembler of our own (src/simd/amx.h): no flag of the compiler's.
set(FASTCONV_FLAGS_amx ${FASTCONV_FLAGS_avx512bf16})

# As above, for AMX, on a processor with AVX512-BF16 or an emulated one.
option(FASTCONV_EMULATE_AMX "Run the AMX kernels without tiles, for tests on machines without AMX" OFF)
if(FASTCONV_EMULATE_AMX)
  list(APPEND FASTCONV_FLAGS_amx -include ${PROJECT_SOURCE_DIR}/tests/emulated_amx.h)
endif()

foreach(set AVX512 AMX)
  if(FASTCONV_EMULATE_${set} AND SKBUILD_STATE STREQUAL "wheel")
    message(FATAL_ERROR "FASTCONV_EMULATE_${set}: must be OFF in a wheel, got ON")
  endif()
endforeach()

# The rows this processor family has.
set(FASTCONV_ISAS scalar)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  list(APPEND FASTCONV_ISAS avx2 avx512 avx512bf16 amx)
endif()
