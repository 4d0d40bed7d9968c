// SPDX-License-Identifier: BSL-1.0
// A copy of an append request that owns all its texts, for an append that outlives its call.
#pragma once

#include <cleave/event/append.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::sqlite {

class owned_append {
public:
  owned_append() = default;
  owned_append(owned_append const&) = delete; // the views point into this one
  owned_append& operator=(owned_append const&) = delete;

  // In place of what it held. Event objects are not copied: they have to be encoded before the call ends.
  void assign(append_request const& from);
  append_request const& request() const noexcept { return request_; }
  // Of the copied texts.
  std::size_t bytes() const noexcept { return texts_.size(); }

private:
  void clear() noexcept;
  void reserve(append_request const& from);
  std::string_view keep(std::string_view text);
  std::span<std::string_view const> keep(std::span<std::string_view const> texts);
  metadata keep(metadata const& from);
  void keep_condition(append_condition const& from);
  void keep_command(command_record const& from);

  std::string texts_; // never grows beyond what was reserved
  std::vector<stream_append> streams_;
  std::vector<new_event> events_;
  std::vector<query_item> items_;
  // Reserved before they are filled, like all of these: the views stay where they are.
  std::vector<std::string_view> lists_;
  std::vector<header> headers_;
  append_condition condition_{};
  command_record command_{};
  rejection refused_{};
  append_request request_{};
};

} // namespace cleave::sqlite
