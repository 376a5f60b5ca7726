# SPDX-License-Identifier: Apache-2.0
# `cmake --install` + find_package(loewner); tried by tests/consume.
include(CMakePackageConfigHelpers)
install(TARGETS loewner_core loewner_blas EXPORT loewnerTargets COMPONENT development)
install(DIRECTORY include/loewner DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(EXPORT loewnerTargets NAMESPACE loewner:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/loewner COMPONENT development)
configure_package_config_file(cmake/loewnerConfig.cmake.in loewnerConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/loewner)
write_basic_package_version_file(loewnerConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/loewnerConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/loewnerConfigVersion.cmake"
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/loewner COMPONENT development)
