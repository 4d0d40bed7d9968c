# SPDX-License-Identifier: BSL-1.0
# Test programs on Catch2 and their entries in ctest.

find_package(Catch2 REQUIRED)
include(Catch)

# One source text for both major versions of Catch2: the tests include <catch2/catch.hpp> as version 2 has it.
if(Catch2_VERSION VERSION_GREATER_EQUAL 3)
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/catch_v2_names/catch2/catch.hpp
    CONTENT "#include <catch2/catch_all.hpp>\nusing Catch::Approx;\nusing namespace Catch::Matchers;\n"
  )
  target_include_directories(Catch2::Catch2 INTERFACE ${CMAKE_CURRENT_BINARY_DIR}/catch_v2_names)
endif()

# Catch2 is read once for all test programs: that takes 1.7 s off each test file, with either compiler. ccache wants
# to see no time stamp in what Clang reads.
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/catch.cpp CONTENT "")
add_library(cleave_catch OBJECT ${CMAKE_CURRENT_BINARY_DIR}/catch.cpp)
target_link_libraries(cleave_catch PUBLIC cleave::cleave Catch2::Catch2WithMain)
target_precompile_headers(cleave_catch PRIVATE <catch2/catch.hpp>)
target_compile_options(cleave_catch PRIVATE "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")

# tests-<label> builds every program of a label.
foreach(label IN ITEMS unit contract examples attack engines)
  add_custom_target(tests-${label})
endforeach()

# cleave_add_test(NAME name SOURCES file... [LIBS target...] [LABELS label...] [TIMEOUT seconds])
#
# Builds the program test_<name> and gives ctest one entry for each TEST_CASE in it, "<name>/<title>".
# LIBS are what it needs beside cleave itself. Default: label unit, 60 seconds for each TEST_CASE.
function(cleave_add_test)
  cmake_parse_arguments(PARSE_ARGV 0 test "" "NAME;TIMEOUT" "SOURCES;LIBS;LABELS")
  if(NOT test_LABELS)
    set(test_LABELS unit)
  endif()
  if(NOT test_TIMEOUT)
    set(test_TIMEOUT 60)
  endif()
  set(program test_${test_NAME})
  add_executable(${program} ${test_SOURCES} $<TARGET_OBJECTS:cleave_twice_a> $<TARGET_OBJECTS:cleave_twice_b>)
  target_link_libraries(${program} PRIVATE ${test_LIBS} cleave::sqlite cleave::testing cleave::testing_sqlite cleave_catch)
  target_precompile_headers(${program} REUSE_FROM cleave_catch)
  catch_discover_tests(${program}
    TEST_PREFIX "${test_NAME}/"
    PROPERTIES LABELS "${test_LABELS}" TIMEOUT ${test_TIMEOUT}
  )
  foreach(label IN LISTS test_LABELS)
    add_dependencies(tests-${label} ${program})
  endforeach()
endfunction()
