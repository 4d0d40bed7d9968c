// SPDX-License-Identifier: BSL-1.0
// The events of one append in the form that goes into the file. Made on the caller's thread, before the queue, so that the
// writer has as little to do as possible.
#pragma once

#include <cleave/event/append.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::sqlite {

class encoded_append {
public:
  struct form {
    std::string_view data;
    std::string_view tags;    // a JSON array, or empty
    std::string_view headers; // a JSON object, or empty
    bool is_text = false;     // the data can be shown as text: UTF-8 without NUL
  };

  encoded_append() = default;
  encoded_append(encoded_append const&) = delete; // the views would point into the other one
  encoded_append& operator=(encoded_append const&) = delete;

  enum class texts : std::uint8_t { viewed, copied };
  // In place of what it held. errc::encode_failed, limit_exceeded, handler_failed (a codec that throws), unsupported (a type without a codec).
  // texts::viewed: views of data that come encoded are kept; else nothing of `request` is.
  result<void> encode(append_request const& request, texts data = texts::viewed);

  // In the request's order, all streams in one row.
  std::vector<form> const& forms() const noexcept { return forms_; }
  std::size_t bytes() const noexcept { return total_; }

private:
  struct place {
    std::size_t begin = 0;
    std::size_t size = 0;
  };
  struct places {
    place data;
    place tags;
    place headers;
  };

  result<void> encode_event(new_event const& event, texts data, places& at);

  std::vector<places> places_; // first these, views when the string has its final address
  std::vector<form> forms_;
  std::string bytes_; // what had to be encoded; the events' views point into it
  std::size_t total_ = 0;
};

// The reverse of the two lists. errc::decode_failed for a text that is none.
result<void> decode_tags(std::string_view json, std::vector<std::string>& tags);
struct owned_header {
  std::string name;
  std::string value;
};
result<void> decode_headers(std::string_view json, std::vector<owned_header>& headers);

} // namespace cleave::sqlite
