// SPDX-License-Identifier: BSL-1.0
// What a disk can hold after the power has gone, at any place of a simulated_disk's record.
#pragma once

#include <cleave/testing/sqlite/simulated_disk.hpp>

#include <cstdint>
#include <memory>

namespace cleave::testing {

// What becomes of the changes that were not synced.
enum class unsynced : std::uint8_t {
  dropped,
  kept,  // as after kill -9, when only the process has gone
  mixed, // each is kept, dropped or, a write, torn: some of its sectors of 512 bytes are kept. By the seed
};

// What a sync promises: all that was written to and cut off that file before is on the disk; the first sync of a new file, and a
// removal with "sync the folder", also every new name and removal before. New names and removals reach the disk in their order;
// writes in any order, each sector whole; a hole is zeros. (Linux with ext4 or XFS keeps more; SQLite relies on no more.)
//
// Used on one thread, while the disk records nothing.
class power_loss {
public:
  explicit power_loss(simulated_disk const& recorded);
  power_loss(power_loss const&) = delete;
  power_loss& operator=(power_loss const&) = delete;
  ~power_loss();

  // The power goes when `point` changes of the record are made (0 to recorded()). Going up costs what lies between; going down
  // starts anew.
  void move_to(std::uint64_t point);
  // One of the disks that can be left then. The same for the same seed.
  disk_image image(unsynced how, std::uint64_t seed = 0) const;

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace cleave::testing
