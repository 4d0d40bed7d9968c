# SPDX-License-Identifier: BSL-1.0
find_package(prometheus-cpp CONFIG QUIET)
if(prometheus-cpp_FOUND)
  include(${CMAKE_CURRENT_LIST_DIR}/cleave-prometheusTargets.cmake)
  set(cleave_prometheus_FOUND TRUE)
else()
  set(cleave_prometheus_FOUND FALSE)
  set(cleave_prometheus_NOT_FOUND_MESSAGE "cleave's component prometheus needs prometheus-cpp, which is not installed (prometheus-cpp-dev)")
endif()
