# libfastconv: every .cc below src/. A file named after an instruction set gets that row's flags (cmake/isa.cmake), and
# is left out where the processor has no such row.
find_package(Threads REQUIRED)

file(GLOB_RECURSE FASTCONV_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*.cc)
foreach(isa IN LISTS FASTCONV_ALL_ISAS)
  set(isa_sources ${FASTCONV_SOURCES})
  list(FILTER isa_sources INCLUDE REGEX "/${isa}\\.cc$")
  if(isa IN_LIST FASTCONV_ISAS)
    set_source_files_properties(${isa_sources} PROPERTIES COMPILE_OPTIONS "${FASTCONV_FLAGS_${isa}}")
  else()
    list(REMOVE_ITEM FASTCONV_SOURCES ${isa_sources})
  endif()
endforeach()

add_library(fastconv SHARED ${FASTCONV_SOURCES})
add_library(fastconv::fastconv ALIAS fastconv)
target_include_directories(fastconv PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                           $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
                                           $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>)
target_compile_features(fastconv INTERFACE cxx_std_17)
target_compile_options(fastconv PRIVATE ${FASTCONV_COMPILE_OPTIONS} -fno-semantic-interposition)
if("avx512" IN_LIST FASTCONV_ISAS)
  target_compile_definitions(fastconv PUBLIC $<BUILD_INTERFACE:FASTCONV_X86=1>)
endif()
foreach(set AVX512 AMX)
  if(FASTCONV_EMULATE_${set})
    set_property(SOURCE ${PROJECT_SOURCE_DIR}/src/base/cpu.cc APPEND PROPERTY
                 COMPILE_DEFINITIONS FASTCONV_EMULATE_${set}=1)
  endif()
endforeach()

# One library, one state: the Python extension, the benchmarks and embedders all link this file, so that the thread
# count, the instruction set and the kernel table exist once in a process. Only names in namespace fastconv leave it:
# no copy of a standard template in here can stand in for the caller's.
target_link_options(fastconv PRIVATE -Wl,-Bsymbolic-functions
                                     -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/exports.map)
set_target_properties(fastconv PROPERTIES LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/exports.map)
if(NOT DEFINED SKBUILD AND NOT FASTCONV_INPLACE)  # a wheel cannot hold the links that a versioned name needs
  set_target_properties(fastconv PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
endif()

target_link_libraries(fastconv PRIVATE Threads::Threads ${CMAKE_DL_LIBS})

configure_file(cmake/version.h.in include/fastconv/version.h @ONLY)
