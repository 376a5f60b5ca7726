# SPDX-License-Identifier: Apache-2.0
# The interpreter that the extension is built for, and its packages: nanobind and, unless a folder is given, OpenBLAS.
find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module OPTIONAL_COMPONENTS Development.SABIModule)
execute_process(COMMAND "${Python_EXECUTABLE}" -m nanobind --cmake_dir
  OUTPUT_VARIABLE nanobind_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
find_package(nanobind CONFIG REQUIRED)
if(NOT LOEWNER_SCIPY_OPENBLAS_DIR)
  execute_process(COMMAND "${Python_EXECUTABLE}" -c "import scipy_openblas32 as openblas; print(openblas.get_lib_dir())"
    OUTPUT_VARIABLE LOEWNER_SCIPY_OPENBLAS_DIR OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endif()
execute_process(COMMAND "${Python_EXECUTABLE}" -c
  "from importlib.metadata import files; print(next(f.locate() for f in files('scipy-openblas32') if 'LICENSE' in f.name))"
  OUTPUT_VARIABLE LOEWNER_SCIPY_OPENBLAS_LICENSE OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
