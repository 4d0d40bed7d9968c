// SPDX-License-Identifier: BSL-1.0
#include <cleave/config.hpp>
#include <cleave/testing/sqlite/power_loss.hpp>

#include "disk_state.hpp"

#include <algorithm>
#include <cstring>

namespace cleave::testing {

namespace {

using detail::disk_change;
using detail::disk_record;

constexpr std::size_t sector_bytes = 512;

// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
class dice {
public:
  explicit dice(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t below(std::uint64_t end) noexcept {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % end;
  }

private:
  std::uint64_t state_;
};

void put(std::string& file, std::uint64_t at, std::string_view bytes) {
  if (file.size() < at + bytes.size()) file.resize(at + bytes.size());
  std::memcpy(file.data() + at, bytes.data(), bytes.size());
}

} // namespace

struct power_loss::state {
  disk_record const& record;
  std::uint64_t point = 0;
  // What is certainly on the disk, and the changes behind that, by their place in the record.
  std::map<std::string, std::uint64_t> names;
  std::map<std::uint64_t, std::string> files;
  std::map<std::uint64_t, std::vector<std::size_t>> writes; // by file
  std::vector<std::size_t> renames;

  explicit state(disk_record const& from) : record(from) { start(); }

  void start() {
    point = 0;
    names = record.names;
    files = record.files;
    writes.clear();
    renames.clear();
  }

  std::string_view bytes_of(disk_change const& change) const {
    return std::string_view(record.bytes).substr(change.from, change.size);
  }
  void apply_write(std::string& to, disk_change const& change) const {
    if (change.what == disk_change::kind::truncate) to.resize(change.at);
    else put(to, change.at, bytes_of(change));
  }
  static void apply_rename(std::map<std::string, std::uint64_t>& to, disk_change const& change) {
    if (change.what == disk_change::kind::create) to[change.name] = change.file;
    else to.erase(change.name);
  }
  void sync_folder() {
    for (std::size_t const i : renames) apply_rename(names, record.changes[i]);
    renames.clear();
  }

  void step() {
    std::size_t const i = point++;
    disk_change const& change = record.changes[i];
    switch (change.what) {
    case disk_change::kind::write:
    case disk_change::kind::truncate: writes[change.file].push_back(i); return;
    case disk_change::kind::create: renames.push_back(i); return;
    case disk_change::kind::remove:
      renames.push_back(i);
      if (change.folder_synced) sync_folder();
      return;
    case disk_change::kind::sync: break;
    }
    for (std::size_t const written : writes[change.file])
      apply_write(files[change.file], record.changes[written]);
    writes.erase(change.file);
    bool const is_new = std::any_of(renames.begin(), renames.end(), [&](std::size_t at) {
      return record.changes[at].what == disk_change::kind::create && record.changes[at].file == change.file;
    });
    if (is_new) sync_folder();
  }

  // Sectors lie where the file's offsets say, not where the write begins.
  void apply_torn(std::string& to, disk_change const& change, dice& random) const {
    std::string_view const bytes = bytes_of(change);
    for (std::size_t from = 0; from < bytes.size();) {
      std::size_t const size = std::min(bytes.size() - from,
                                        sector_bytes - (change.at + from) % sector_bytes);
      if (random.below(2) == 0) put(to, change.at + from, bytes.substr(from, size));
      from += size;
    }
  }

  std::string mixed(std::uint64_t file, dice& random) const {
    auto const synced = files.find(file);
    std::string bytes = synced == files.end() ? std::string() : synced->second;
    auto const pending = writes.find(file);
    if (pending == writes.end()) return bytes;
    std::uint64_t const taste = random.below(4); // mostly kept, mostly dropped, mostly torn, all alike
    for (std::size_t const i : pending->second) {
      disk_change const& change = record.changes[i];
      std::uint64_t const fate = random.below(2) == 0 && taste < 3 ? taste : random.below(3);
      if (fate == 1) continue;
      if (fate == 2 && change.what == disk_change::kind::write) apply_torn(bytes, change, random);
      else apply_write(bytes, change);
    }
    return bytes;
  }

  std::string whole(std::uint64_t file, bool kept) const {
    auto const synced = files.find(file);
    std::string bytes = synced == files.end() ? std::string() : synced->second;
    auto const pending = writes.find(file);
    if (!kept || pending == writes.end()) return bytes;
    for (std::size_t const i : pending->second) apply_write(bytes, record.changes[i]);
    return bytes;
  }
};

power_loss::power_loss(simulated_disk const& recorded)
    : state_(std::make_unique<state>(recorded.state_->record)) {}

power_loss::~power_loss() = default;

void power_loss::move_to(std::uint64_t point) {
  CLEAVE_ASSERT(point <= state_->record.changes.size(), "a power loss behind the end of the record");
  if (point < state_->point) state_->start();
  while (state_->point < point) state_->step();
}

disk_image power_loss::image(unsynced how, std::uint64_t seed) const {
  dice random(seed);
  std::size_t renamed = how == unsynced::dropped ? 0 : state_->renames.size();
  if (how == unsynced::mixed) renamed = random.below(renamed + 1);
  auto names = state_->names;
  for (std::size_t i = 0; i < renamed; ++i)
    state::apply_rename(names, state_->record.changes[state_->renames[i]]);
  disk_image left;
  for (auto const& [name, file] : names)
    left.emplace(name, how == unsynced::mixed ? state_->mixed(file, random)
                                              : state_->whole(file, how == unsynced::kept));
  return left;
}

} // namespace cleave::testing
