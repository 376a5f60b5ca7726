# SPDX-License-Identifier: Apache-2.0
# The header-only libraries nlohmann-json, CLI11 and fmt: from the system, or from the PyPI packages that
# tools/build_backend.py puts into the build environment of a Python build on a system without them.
option(LOEWNER_SYSTEM_HEADERS "Use the system's nlohmann-json, CLI11 and fmt; OFF: only those in CMAKE_PREFIX_PATH" ON)

if(LOEWNER_BUILD_PYTHON)
  execute_process(COMMAND "${Python_EXECUTABLE}" "${CMAKE_CURRENT_LIST_DIR}/header_packages.py"
    OUTPUT_VARIABLE header_packages OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  list(APPEND CMAKE_PREFIX_PATH ${header_packages})
endif()
if(NOT LOEWNER_SYSTEM_HEADERS)
  set(CMAKE_FIND_USE_CMAKE_SYSTEM_PATH OFF)
  set(CMAKE_FIND_USE_SYSTEM_ENVIRONMENT_PATH OFF)
  set(CMAKE_FIND_USE_PACKAGE_REGISTRY OFF)
endif()
find_package(nlohmann_json 3.11 REQUIRED)
if(LOEWNER_BUILD_CLI)
  find_package(CLI11 REQUIRED)
  find_package(fmt REQUIRED)
endif()
unset(CMAKE_FIND_USE_CMAKE_SYSTEM_PATH)
unset(CMAKE_FIND_USE_SYSTEM_ENVIRONMENT_PATH)
unset(CMAKE_FIND_USE_PACKAGE_REGISTRY)
