# SPDX-License-Identifier: BSL-1.0
include(${CMAKE_CURRENT_LIST_DIR}/cleave-testingTargets.cmake)
set(cleave_testing_FOUND TRUE)
