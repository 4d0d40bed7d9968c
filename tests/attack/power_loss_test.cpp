// SPDX-License-Identifier: BSL-1.0
// The power goes at every moment of a run, and every disk that fsync allows is looked at.
#include <cleave/testing/sqlite/power_loss.hpp>

#include "bank.hpp"
#include "scale.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <unordered_map>

using namespace cleave;
using namespace cleave::test;
using testing::unsynced;

namespace {

constexpr char const* file = "/bank.db";

// What was begun, and what was acknowledged, when the disk's record had so many changes.
struct moment {
  std::uint64_t at;
  std::uint64_t commands;   // begun, or acknowledged
  std::uint64_t checkpoint; // acknowledged
};

struct run {
  bank commands;
  testing::simulated_disk disk{"power-loss"};
  std::vector<moment> begun{{0, 0, 0}};
  std::vector<moment> acknowledged{{0, 0, 0}};

  run(std::uint64_t seed, std::size_t count, durability level, std::uint32_t checkpoint_pages)
      : commands(seed, count) {
    disk.record();
    std::uint64_t next = 1;
    // The second life finds a file, the last one is still open when the power goes.
    for (std::size_t const end : {count / 3, count}) {
      auto store = sqlite::event_store::open({.path = file,
                                              .durability = level,
                                              .readers = 1,
                                              .checkpoint_pages = checkpoint_pages,
                                              .shared = false,
                                              .vfs = disk.vfs()});
      REQUIRE(store);
      REQUIRE(bank::set_up(*store));
      for (; next <= end; ++next) {
        begun.push_back({disk.recorded() + 1, next, 0});
        REQUIRE(commands.send(*store, next));
        acknowledged.push_back({disk.recorded(), next, acknowledged.back().checkpoint});
        if (next % 4 != 0) continue;
        auto const reached = bank::project(*store, 7);
        REQUIRE(reached);
        acknowledged.push_back({disk.recorded(), next, reached->value()});
      }
    }
  }
};

moment const& last_until(std::vector<moment> const& all, std::uint64_t at) {
  auto const behind = std::partition_point(all.begin(), all.end(),
                                           [&](moment const& m) { return m.at <= at; });
  return *std::prev(behind);
}

struct tally {
  std::uint64_t points = 0;
  std::uint64_t disks = 0; // different ones
  std::uint64_t lost = 0;  // points at which something acknowledged was missing
};

class attacker {
public:
  attacker(run const& of, durability level, tally& counts)
      : run_(of), level_(level), counts_(counts), lost_(of.disk) {}

  void power_loss_at(std::uint64_t point, unsynced how, std::uint64_t seed) {
    INFO("power loss behind change " << point << ", un-synced changes "
                                     << (how == unsynced::dropped ? "dropped"
                                         : how == unsynced::kept  ? "kept"
                                                                  : "mixed")
                                     << " by seed " << seed);
    lost_.move_to(point);
    auto const image = lost_.image(how, seed);
    judge(look_at(image), point, how);
    // The power goes once more while the file is being opened and goes on.
    if (++counts_.points % 40 != 0) return;
    INFO("and again while the store recovers");
    disk_.load(image);
    disk_.record();
    auto const first = run_.commands.inspect(options(disk_));
    std::uint64_t const before = first.commands;
    testing::power_loss again(disk_);
    again.move_to(seed * 31 % (disk_.recorded() + 1));
    disk_image_ = again.image(unsynced::mixed, seed);
    second_.load(disk_image_);
    auto const second = run_.commands.inspect(options(second_));
    CHECK(second.wrong == "");
    if (level_ == durability::full) CHECK(second.commands >= before);
  }

private:
  sqlite::event_store_options options(testing::simulated_disk const& disk) const {
    return {.path = file, .durability = level_, .readers = 1, .shared = false, .vfs = disk.vfs()};
  }

  // Many points leave the same disk: it is looked at once.
  bank_found const& look_at(testing::disk_image const& image) {
    std::size_t hash = image.size();
    for (auto const& [name, bytes] : image)
      hash = hash * 0x9e3779b97f4a7c15u ^ std::hash<std::string>()(bytes) ^
             std::hash<std::string>()(name) << 1;
    auto const [known, is_new] = seen_.try_emplace(hash);
    if (is_new) {
      ++counts_.disks;
      disk_.load(image);
      known->second = run_.commands.inspect(options(disk_));
    }
    return known->second;
  }

  void judge(bank_found const& found, std::uint64_t point, unsynced how) {
    REQUIRE(found.wrong == "");
    moment const& acknowledged = last_until(run_.acknowledged, point);
    bool const less = found.commands < acknowledged.commands || found.checkpoint < acknowledged.checkpoint;
    counts_.lost += less ? 1 : 0;
    // With everything kept only the process has ended, and that takes nothing at any level.
    if (level_ == durability::full || how == unsynced::kept) {
      REQUIRE(found.commands >= acknowledged.commands);
      REQUIRE(found.checkpoint >= acknowledged.checkpoint);
    }
    REQUIRE(found.commands <= last_until(run_.begun, point).commands);
  }

  run const& run_;
  durability level_;
  tally& counts_;
  testing::power_loss lost_;
  testing::simulated_disk disk_{"after-power-loss"};
  testing::simulated_disk second_{"after-second-power-loss"};
  testing::disk_image disk_image_;
  std::unordered_map<std::size_t, bank_found> seen_;
};

// Few pages make the WAL start over again and again; many leave it to the end.
constexpr std::uint32_t checkpoint_pages[] = {3, 25, 4'000};

tally attack(durability level, std::uint64_t points) {
  tally counts;
  for (std::uint64_t seed = attack_seed(); counts.points < points; ++seed) {
    std::uint32_t const pages = checkpoint_pages[seed % 3];
    INFO("seed " << seed);
    run const recorded(seed, 36, level, pages);
    attacker against(recorded, level, counts);
    std::uint64_t const places = recorded.disk.recorded() + 1;
    for (std::uint64_t i = 0; i < places && counts.points < points; ++i) {
      // When there are more places than points, they are spread over the whole run.
      std::uint64_t const place = attack_divisor == 1 ? i : i * 7'919 % places;
      against.power_loss_at(place, unsynced::dropped, 0);
      against.power_loss_at(place, unsynced::kept, 0);
      for (std::uint64_t how = 1; how <= 5; ++how)
        against.power_loss_at(place, unsynced::mixed, seed * 1'000 + how);
    }
  }
  WARN(counts.points << " power losses, " << counts.disks
                     << " different disks, something acknowledged was missing after " << counts.lost);
  return counts;
}

} // namespace

TEST_CASE("at full durability a power loss takes nothing that was acknowledged") {
  CHECK(attack(durability::full, attack_count(20'000)).lost == 0);
}

TEST_CASE("at relaxed durability a power loss takes a suffix of the log and nothing else") {
  CHECK(attack(durability::relaxed, attack_count(3'000)).lost > 0);
}
