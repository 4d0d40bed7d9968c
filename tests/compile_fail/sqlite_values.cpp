// SPDX-License-Identifier: BSL-1.0
// expect: cleave: this type has no SQL type: bind an integer, a floating-point number, a text, bytes, an id, or an std::optional of one
// expect: cleave: a column cannot be read as this type: use an integer, a floating-point number, std::string, std::string_view, bytes, an id, or an std::optional of one
// expect: cleave: the row is gone when first() returns: ask for std::string or std::vector<std::byte>
#include <cleave/sqlite/database.hpp>

#include <string>
#include <string_view>
#include <vector>

#ifdef CLEAVE_MUST_FAIL
#define WRONG_OR_RIGHT(wrong, right) wrong
#else
#define WRONG_OR_RIGHT(wrong, right) right
#endif

void use(cleave::sqlite::database& db) {
  static_cast<void>(db.execute("SELECT ?1", WRONG_OR_RIGHT(std::vector<int>{}, 1)).has_value());
  static_cast<void>(db.first<WRONG_OR_RIGHT(std::vector<int>, int)>("SELECT 1").has_value());
  static_cast<void>(db.first<WRONG_OR_RIGHT(std::string_view, std::string)>("SELECT 'a'").has_value());
}

int main() {}
