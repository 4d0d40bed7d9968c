// SPDX-License-Identifier: BSL-1.0
// Copies of many texts that are given up together.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace cleave::sqlite {

class text_arena {
public:
  // A copy, which stays where it is until clear(). It has a place also when it is empty.
  std::string_view put(std::string_view from) {
    bool const fits = free_ != nullptr && from.size() <= room_;
    if (!fits) add_block(from.size());
    char* const to = free_;
    if (!from.empty()) std::memcpy(to, from.data(), from.size());
    free_ += from.size();
    room_ -= from.size();
    bytes_ += from.size();
    return {to, from.size()};
  }
  // Of all the copies.
  std::size_t bytes() const noexcept { return bytes_; }
  // Keeps the first block for the next copies.
  void clear() noexcept {
    bytes_ = 0;
    if (blocks_.empty()) return;
    blocks_.resize(1);
    use(blocks_.front());
  }

private:
  struct block {
    std::unique_ptr<char[]> place;
    std::size_t size;
  };
  static constexpr std::size_t block_bytes = std::size_t{32} * 1024;

  void add_block(std::size_t least) {
    std::size_t const size = std::max(least, block_bytes);
    blocks_.push_back(
        {std::unique_ptr<char[]>(new char[size]), size}); // not make_unique, which would write zeros
    use(blocks_.back());
  }
  void use(block const& one) noexcept {
    free_ = one.place.get();
    room_ = one.size;
  }

  std::vector<block> blocks_;
  char* free_ = nullptr;
  std::size_t room_ = 0;
  std::size_t bytes_ = 0;
};

} // namespace cleave::sqlite
