# SPDX-License-Identifier: BSL-1.0
# Installs the libraries, the headers, and what find_package and pkg-config read.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cleave)
set(templates ${CMAKE_CURRENT_LIST_DIR})
set(components sqlite testing testing_sqlite)
if(TARGET cleave_prometheus)
  list(APPEND components prometheus)
endif()
list(JOIN components ", " component_list)

# A static library hands its own needs on to the programs that link it; a shared one keeps them.
get_target_property(cleave_type cleave TYPE)
set(cleave_is_static FALSE)
set(pc_private "Requires.private: ")
if(cleave_type STREQUAL "STATIC_LIBRARY")
  set(cleave_is_static TRUE)
  set(pc_private "Requires: ")
endif()

function(cleave_install_target target export)
  install(TARGETS ${target} EXPORT ${export}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  )
  install(EXPORT ${export} NAMESPACE cleave:: DESTINATION ${package_dir})
endfunction()

# pc_name, pc_description, pc_requires and pc_libs fill cleave.pc.in. The prefix is found from where the file lies, so
# that an installed tree can be moved.
file(RELATIVE_PATH pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
function(cleave_install_pkg_config pc_name pc_description pc_requires pc_libs)
  configure_file(${templates}/cleave.pc.in ${pc_name}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${pc_name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

cleave_install_target(cleave cleaveTargets)
cleave_install_pkg_config(cleave "${PROJECT_DESCRIPTION}" "${pc_private}fmt" "-lcleave -pthread")

foreach(component IN LISTS components)
  cleave_install_target(cleave_${component} cleave-${component}Targets)
  install(FILES ${templates}/cleave-${component}.cmake DESTINATION ${package_dir})
endforeach()
cleave_install_pkg_config(cleave-sqlite "cleave's stores on SQLite"
  "Requires: cleave = ${PROJECT_VERSION}, sqlite3" "-lcleave_sqlite"
)
if(TARGET cleave_prometheus)
  cleave_install_pkg_config(cleave-prometheus "cleave's metrics for Prometheus"
    "Requires: cleave = ${PROJECT_VERSION}, prometheus-cpp-core" "-lcleave_prometheus"
  )
endif()

configure_package_config_file(${templates}/cleaveConfig.cmake.in cleaveConfig.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may break what compiles against it.
write_basic_package_version_file(cleaveConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cleaveConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/cleaveConfigVersion.cmake
  DESTINATION ${package_dir}
)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
