# The Python extension fastconv._core: the library's objects and the bindings in src/python.
find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
find_package(pybind11 CONFIG REQUIRED)

file(GLOB FASTCONV_BINDINGS CONFIGURE_DEPENDS src/python/*.cpp)
pybind11_add_module(_core MODULE NO_EXTRAS ${FASTCONV_BINDINGS})
target_link_libraries(_core PRIVATE fastconv_objects)
target_compile_options(_core PRIVATE -O2 -Wall -Wextra -Werror)
if(FASTCONV_INPLACE)
  set_target_properties(_core PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_SOURCE_DIR}/python/fastconv)
endif()
install(TARGETS _core LIBRARY DESTINATION fastconv COMPONENT python)
