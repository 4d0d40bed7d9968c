# SPDX-License-Identifier: BSL-1.0
# What holds only when cleave itself is being built, never in a project that adds it as a subdirectory:
# warnings, sanitizers, ccache. Directory options, so that the header checks and the tests get them too.

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion)
if(CLEAVE_WARNINGS_AS_ERRORS)
  add_compile_options(-Werror)
endif()

if(CLEAVE_SANITIZE)
  add_compile_options(-fsanitize=${CLEAVE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${CLEAVE_SANITIZE})
endif()

find_program(CLEAVE_CCACHE ccache)
mark_as_advanced(CLEAVE_CCACHE)
if(CLEAVE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The sloppiness is what ccache wants before it takes files that use a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CLEAVE_CCACHE})
endif()

# There are no modules to look for; newer CMakes would run every source through a scanner.
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
