# Installs the library, the public headers and a CMake package, so that find_package(fastconv) gives fastconv::fastconv.
# In a wheel the prefix is the package's own folder (pyproject.toml, wheel.install-dir).
include(CMakePackageConfigHelpers)

set(FASTCONV_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/fastconv)
install(TARGETS fastconv EXPORT fastconv-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
                                                 INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/fastconv ${PROJECT_BINARY_DIR}/include/fastconv DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
install(EXPORT fastconv-targets NAMESPACE fastconv:: DESTINATION ${FASTCONV_CMAKE_DIR})
file(WRITE ${PROJECT_BINARY_DIR}/fastconv-config.cmake
     "include(\${CMAKE_CURRENT_LIST_DIR}/fastconv-targets.cmake)\n")
write_basic_package_version_file(${PROJECT_BINARY_DIR}/fastconv-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/fastconv-config.cmake ${PROJECT_BINARY_DIR}/fastconv-config-version.cmake
        DESTINATION ${FASTCONV_CMAKE_DIR})
