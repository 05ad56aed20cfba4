# Cross compilation for aarch64 with Debian's compiler. The libraries come from tools/aarch64-sysroot; the C and C++
# runtimes are the cross compiler's own. Programs run on this machine under user-mode emulation.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CXX_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

set(FAIRLEAD_SYSROOT "${CMAKE_CURRENT_LIST_DIR}/../build/aarch64-sysroot" CACHE PATH "Where tools/aarch64-sysroot unpacks")
get_filename_component(FAIRLEAD_SYSROOT "${FAIRLEAD_SYSROOT}" ABSOLUTE)
set(CMAKE_FIND_ROOT_PATH "${FAIRLEAD_SYSROOT}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

find_program(QEMU_AARCH64 NAMES qemu-aarch64-static qemu-aarch64)
if(QEMU_AARCH64)
  set(CMAKE_CROSSCOMPILING_EMULATOR
      "${QEMU_AARCH64};-L;/usr/aarch64-linux-gnu;-E;LD_LIBRARY_PATH=${FAIRLEAD_SYSROOT}/usr/lib/aarch64-linux-gnu")
endif()
