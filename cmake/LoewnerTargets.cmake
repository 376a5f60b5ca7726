# SPDX-License-Identifier: Apache-2.0
# Dependencies and the two private INTERFACE targets; nothing here reaches a user of loewner::core.
find_package(Threads REQUIRED)

# Warnings and sanitizers, linked PRIVATE by our own targets only.
add_library(loewner_warnings INTERFACE)
target_compile_options(loewner_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # both warn of correct uses of std::string and of nlohmann's iterators after inlining
  target_compile_options(loewner_warnings INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()
add_library(loewner_dev INTERFACE)
target_link_libraries(loewner_dev INTERFACE loewner_warnings)
if(LOEWNER_SANITIZE)
  target_compile_options(loewner_dev INTERFACE -fsanitize=${LOEWNER_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if(LOEWNER_SANITIZE MATCHES "address.*undefined")  # the first stops at null pointers and ends of objects: half of the second's compile time
    target_compile_options(loewner_dev INTERFACE -fno-sanitize=null,object-size)
  endif()
  target_link_options(loewner_dev INTERFACE -fsanitize=${LOEWNER_SANITIZE})
endif()

# For tests and the command line, which the sanitizer of undefined behavior would take a third longer to compile.
add_library(loewner_dev_outside_core INTERFACE)
target_link_libraries(loewner_dev_outside_core INTERFACE loewner_warnings)
if(LOEWNER_SANITIZE)
  string(REPLACE ",undefined" "" sanitizer_outside_core "${LOEWNER_SANITIZE}")
  target_compile_options(loewner_dev_outside_core INTERFACE -fsanitize=${sanitizer_outside_core} -fno-omit-frame-pointer)
  target_link_options(loewner_dev_outside_core INTERFACE -fsanitize=${LOEWNER_SANITIZE})
endif()

# OpenBLAS from SciPy's package (the Python build sets the folder) or from the system.
set(LOEWNER_SCIPY_OPENBLAS_DIR "" CACHE PATH "lib folder of the scipy-openblas32 package; empty: the system's OpenBLAS")
add_library(loewner_blas INTERFACE)
if(LOEWNER_SCIPY_OPENBLAS_DIR)
  find_library(LOEWNER_OPENBLAS_LIBRARY scipy_openblas HINTS "${LOEWNER_SCIPY_OPENBLAS_DIR}" NO_DEFAULT_PATH REQUIRED)
  target_compile_definitions(loewner_blas INTERFACE LOEWNER_BLAS_PREFIX=scipy_)
else()
  find_library(LOEWNER_OPENBLAS_LIBRARY openblas REQUIRED)
endif()
target_link_libraries(loewner_blas INTERFACE "${LOEWNER_OPENBLAS_LIBRARY}")
