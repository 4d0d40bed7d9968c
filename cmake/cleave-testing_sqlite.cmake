# SPDX-License-Identifier: BSL-1.0
find_package(SQLite3 QUIET)
if(SQLite3_FOUND)
  include(${CMAKE_CURRENT_LIST_DIR}/cleave-testing_sqliteTargets.cmake)
  set(cleave_testing_sqlite_FOUND TRUE)
else()
  set(cleave_testing_sqlite_FOUND FALSE)
  set(cleave_testing_sqlite_NOT_FOUND_MESSAGE
    "cleave's component testing_sqlite needs SQLite3, which is not installed (libsqlite3-dev)"
  )
endif()
