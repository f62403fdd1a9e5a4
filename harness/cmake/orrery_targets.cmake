# Flags, the Python to use, and the target helpers: orrery_layer, orrery_test.

# NumPy, pandas and pytest come from Debian, so Python is Debian's, whatever is first on PATH.
if(EXISTS /usr/bin/python3)
  set(Python_EXECUTABLE /usr/bin/python3 CACHE FILEPATH "Python interpreter")
  set(Python3_EXECUTABLE ${Python_EXECUTABLE} CACHE FILEPATH "Python interpreter")
endif()
set(PYBIND11_FINDPYTHON ON)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(tl-expected REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(nlohmann_json REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(libzstd REQUIRED IMPORTED_TARGET libzstd)
find_package(Boost 1.74 REQUIRED)  # headers only: Asio and Beast
pkg_check_modules(rocksdb REQUIRED IMPORTED_TARGET rocksdb)

find_program(ORRERY_CCACHE ccache)
if(ORRERY_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ORRERY_CCACHE})
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

add_library(orrery_flags INTERFACE)
target_compile_options(orrery_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
    -Woverloaded-virtual -Wno-missing-field-initializers
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>  # g++ 12 warns wrongly inside std::string
    -ffp-contract=off -fno-fast-math>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${ORRERY_WERROR}>>:-Werror>)
target_include_directories(orrery_flags INTERFACE ${CMAKE_SOURCE_DIR})
if(ORRERY_SEEDED_BUGS)
  target_compile_definitions(orrery_flags INTERFACE ORRERY_SEEDED_BUGS)
endif()

# orrery_layer(<folder/name> PUBLIC <targets> PRIVATE <targets>)
# A static library of all .cc files of the calling folder (and, with RECURSE, below it), named after
# the folder: engine/base -> orrery_engine_base. Its headers must compile alone (target
# all_verify_interface_header_sets).
function(orrery_layer folder)
  cmake_parse_arguments(arg "RECURSE" "" "PUBLIC;PRIVATE" ${ARGN})
  string(REPLACE "/" "_" suffix ${folder})
  set(target orrery_${suffix})
  set(glob GLOB)
  if(arg_RECURSE)
    set(glob GLOB_RECURSE)
  endif()
  file(${glob} sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  file(${glob} headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.h)
  if(sources)
    add_library(${target} STATIC ${sources})
    target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR} FILES ${headers})
    target_link_libraries(${target} PUBLIC orrery_flags ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  else()
    add_library(${target} INTERFACE)
    target_sources(${target}
      INTERFACE FILE_SET HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR} FILES ${headers})
    target_link_libraries(${target} INTERFACE orrery_flags ${arg_PUBLIC})
  endif()
  set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
endfunction()

# orrery_test(<name> LABEL <label> SOURCES <files> LINK <targets>): a GoogleTest program, one ctest
# entry, run with ORRERY_ROOT pointing at the source tree.
function(orrery_test name)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE orrery_flags ${arg_LINK} GTest::gtest_main GTest::gmock)
  # g++ 12 warns wrongly about strings in optionals that a lambda takes.
  target_compile_options(${name} PRIVATE -Wno-conversion
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  if(NOT TARGET tests_${arg_LABEL})
    add_custom_target(tests_${arg_LABEL})  # all programs of a label, for builds that want no more
  endif()
  add_dependencies(tests_${arg_LABEL} ${name})
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT}
    ENVIRONMENT "ORRERY_ROOT=${CMAKE_SOURCE_DIR};ORRERY_BUILD=${CMAKE_BINARY_DIR}")
endfunction()
