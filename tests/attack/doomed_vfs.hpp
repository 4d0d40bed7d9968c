// SPDX-License-Identifier: BSL-1.0
// An SQLite VFS on the real file system that ends the process, as kill -9 does, at a chosen operation. It syncs nothing.
#pragma once

#include <cstdint>
#include <string>

namespace cleave::test {

// The process kills itself when it begins its `operation`-th operation from now (1: the next) that changes a file, or takes a lock
// or memory that processes share. `torn`: if that is a write, its first half is written.
void doom(std::uint64_t operation, bool torn);

// SIGKILL: nothing runs after it, no destructor and no handler.
[[noreturn]] void die();

// Registers the VFS once; its name.
std::string doomed_vfs();

} // namespace cleave::test
