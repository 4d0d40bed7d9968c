# SPDX-License-Identifier: BSL-1.0
find_package(SQLite3 QUIET)
if(SQLite3_FOUND)
  include(${CMAKE_CURRENT_LIST_DIR}/cleave-sqliteTargets.cmake)
  set(cleave_sqlite_FOUND TRUE)
else()
  set(cleave_sqlite_FOUND FALSE)
  set(cleave_sqlite_NOT_FOUND_MESSAGE "cleave's component sqlite needs SQLite3, which is not installed (libsqlite3-dev)")
endif()
