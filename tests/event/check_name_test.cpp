// SPDX-License-Identifier: BSL-1.0
#include <cleave/event/stream.hpp>

#include <catch2/catch.hpp>

#include <string>

TEST_CASE("a name is checked byte by byte, wherever the byte stands and however long the name is") {
  for (std::size_t length = 1; length <= 25; ++length) {
    for (std::size_t at = 0; at < length; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        // Alone among ASCII, every byte from 0x80 on breaks UTF-8.
        bool const allowed = byte >= 0x20 && byte < 0x7f;
        for (char other : {'a', ' ', '~'}) {
          std::string name(length, other);
          name[at] = static_cast<char>(byte);
          if (cleave::check_name("name", name, 255).has_value() != allowed) {
            FAIL("byte " << byte << " at " << at << " of " << length << " among '" << other << "'");
          }
        }
      }
    }
  }
  SUCCEED();
}
