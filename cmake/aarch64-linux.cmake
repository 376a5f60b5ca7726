# SPDX-License-Identifier: Apache-2.0
# Debian's cross compiler for 64-bit ARM; programs run in qemu. The runtime of C++ is linked in, which packages of
# libraries for ARM do not bring.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static-libstdc++")
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64)
