// SPDX-License-Identifier: BSL-1.0
// The texts behind the small integers of the log: what was asked for once is not asked for again.
#pragma once

#include <cleave/base/result.hpp>
#include <cleave/sqlite/database.hpp>

#include "text_arena.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace cleave::sqlite {

class id_texts {
public:
  enum class of : std::uint8_t { streams, names };
  explicit id_texts(of which) noexcept : which_(which) {}

  // The text with that id if it was learned since the last clear(), which ends its life; else one without data.
  std::string_view known(std::int64_t id) const noexcept {
    return places_.empty() ? std::string_view() : places_[place_of(id)].text;
  }
  // The same, learned when it has to be.
  result<std::string_view> find(database& db, std::int64_t id) {
    std::string_view text = known(id);
    if (text.data() == nullptr) {
      if (auto good = learn(db, id); !good) return unexpected(std::move(good).error());
      text = known(id);
    }
    return text;
  }
  // errc::corrupt when no text has that id.
  result<void> learn(database& db, std::int64_t id);
  // Whether there is a lot.
  bool full() const noexcept { return taken_ >= most; }
  // Forgets all.
  void clear();
  // The same, if it is a lot.
  void trim() {
    if (full()) clear();
  }

private:
  static constexpr std::size_t most = 16'384;
  static constexpr std::size_t first_places = 64;
  struct place {
    std::int64_t id = 0;
    std::string_view text; // without data: free
  };

  // Where the id is, or would be: ids are given out one after another, so that their last bits serve as a hash.
  std::size_t place_of(std::int64_t id) const noexcept {
    std::size_t const mask = places_.size() - 1;
    std::size_t at = static_cast<std::size_t>(id) & mask;
    while (places_[at].text.data() != nullptr && places_[at].id != id) at = (at + 1) & mask;
    return at;
  }
  void grow();

  of which_;
  std::vector<place> places_; // a power of two, at most half of them taken
  std::size_t taken_ = 0;
  text_arena texts_;
};

} // namespace cleave::sqlite
