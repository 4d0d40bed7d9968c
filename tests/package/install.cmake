# SPDX-License-Identifier: BSL-1.0
# Installs the build folder FROM, and moves the installed tree to PREFIX: nothing in it may remember where it was.
file(REMOVE_RECURSE ${PREFIX} ${PREFIX}-staged)
execute_process(COMMAND ${CMAKE_COMMAND} --install ${FROM} --prefix ${PREFIX}-staged COMMAND_ERROR_IS_FATAL ANY)
file(RENAME ${PREFIX}-staged ${PREFIX})
