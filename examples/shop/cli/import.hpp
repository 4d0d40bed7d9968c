// SPDX-License-Identifier: BSL-1.0
// `shop import`: executes what the CSV files of a folder say.
#pragma once

#include "application.hpp"
#include "cli/arguments.hpp"

#include <ostream>

namespace shop {

// True when every row was imported or is there already. The summary goes to `out`, bad rows to `complaints`, and progress too if
// `watched`. Several threads execute commands, so that their commits share a sync; what belongs to one order stays in order.
//
// A command's id is made of the contents of all files and of what it is about. So the same files, imported again or after a crash,
// execute nothing twice, and changed files get a new chance: what the shop has already stays, rows that were refused may fit now.
cleave::result<bool> import_folder(running_shop& shop, arguments const& given, std::ostream& out,
                                   std::ostream& complaints, bool watched);

} // namespace shop
