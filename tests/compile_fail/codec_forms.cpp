// SPDX-License-Identifier: BSL-1.0
// expect: cleave: this type has no stored form: describe it with BOOST_DESCRIBE_STRUCT or specialise cleave::codec
// expect: cleave: a const field cannot be read back
// expect: cleave: a view or a pointer owns nothing and has no stored form: use std::string or a container
// expect: cleave: a stored type needs a default constructor: missing fields keep its values
// expect: cleave: an optional of an optional has no stored form: null could mean either
#include <cleave/event/codec.hpp>

#include <boost/describe.hpp>

#include <optional>
#include <string>

#ifdef CLEAVE_MUST_FAIL
#define WRONG_OR_RIGHT(wrong, right) wrong
#else
#define WRONG_OR_RIGHT(wrong, right) right
#endif

struct described {
  int a = 0;
};
BOOST_DESCRIBE_STRUCT(described, (), (a))
struct undescribed {
  int a = 0;
};
struct with_const {
  WRONG_OR_RIGHT(int const, int) a = 0;
};
BOOST_DESCRIBE_STRUCT(with_const, (), (a))
struct with_view {
  WRONG_OR_RIGHT(std::string_view, std::string) a;
};
BOOST_DESCRIBE_STRUCT(with_view, (), (a))
struct without_default {
  explicit without_default(int value) : a(value) {}
  WRONG_OR_RIGHT(, without_default() = default;)
  int a = 0;
};
BOOST_DESCRIBE_STRUCT(without_default, (), (a))
template <class T> void stored() {
  std::string out;
  static_cast<void>(cleave::codec<T>::encode(T(), out).has_value());
}
template <class T> void read() { static_cast<void>(cleave::codec<T>::decode("").has_value()); }

int main() {
  stored<WRONG_OR_RIGHT(undescribed, described)>();
  stored<with_const>();
  read<with_const>();
  stored<with_view>();
  read<without_default>();
  stored<std::optional<WRONG_OR_RIGHT(std::optional<int>, int)>>();
}
