# Looks for a CUDA toolkit and says what it found; sets ORRERY_CUDA_FOUND. A toolkit is never
# required: without one the program says at run time that it has no CUDA.
set(ORRERY_CUDA_FOUND OFF)
if(NOT ORRERY_CUDA)
  message(STATUS "CUDA: not asked for (ORRERY_CUDA is OFF)")
  return()
endif()
# Toolkits are often not on PATH.
find_program(ORRERY_NVCC nvcc PATHS /usr/local/cuda/bin /opt/cuda/bin)
if(ORRERY_NVCC AND NOT DEFINED ENV{CUDACXX})
  set(ENV{CUDACXX} ${ORRERY_NVCC})  # for the check, which tries it out in a project of its own
endif()
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 90)  # Hopper; newer devices run it from its PTX
endif()
include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  message(STATUS "CUDA: no nvcc that works, the program is built without")
  return()
endif()
enable_language(CUDA)
find_package(CUDAToolkit)
if(NOT CUDAToolkit_FOUND OR CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.0)
  message(STATUS "CUDA: nvcc ${CMAKE_CUDA_COMPILER_VERSION} is older than 12.0 or lacks libraries, "
    "the program is built without")
  return()
endif()
find_path(ORRERY_CUBLASLT cublasLt.h PATHS ${CUDAToolkit_INCLUDE_DIRS} NO_DEFAULT_PATH)
if(NOT ORRERY_CUBLASLT)
  message(STATUS "CUDA: no cublasLt.h in ${CUDAToolkit_INCLUDE_DIRS}, the program is built without")
  return()
endif()
# CMake 3.25 does not know that nvcc 12 and newer have C++20, the dialect of all our code.
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
endif()
if(ORRERY_CCACHE)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${ORRERY_CCACHE})
endif()
set(ORRERY_CUDA_FOUND ON)
message(STATUS
  "CUDA: nvcc ${CMAKE_CUDA_COMPILER_VERSION}, architectures ${CMAKE_CUDA_ARCHITECTURES}")
