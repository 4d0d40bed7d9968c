// SPDX-License-Identifier: BSL-1.0
// expect: cleave: a map has a stored form only with std::string as its key
// expect: cleave: a described field has the same name as one of a base
// expect: cleave: an alternative of a variant has no name: specialise cleave::alternative_name for it
// expect: cleave: two alternatives of a variant have the same name
#include <cleave/event/codec.hpp>

#include <boost/describe.hpp>

#include <map>
#include <string>
#include <variant>

#ifdef CLEAVE_MUST_FAIL
#define WRONG_OR_RIGHT(wrong, right) wrong
#else
#define WRONG_OR_RIGHT(wrong, right) right
#endif

struct described {
  int a = 0;
};
BOOST_DESCRIBE_STRUCT(described, (), (a))
struct derived : described {
  int WRONG_OR_RIGHT(a, b) = 0;
};
BOOST_DESCRIBE_STRUCT(derived, (described), (WRONG_OR_RIGHT(a, b)))
struct named {
  static constexpr std::string_view alternative_name = "named";
};
BOOST_DESCRIBE_STRUCT(named, (), ())
struct named_again {
  static constexpr std::string_view alternative_name = WRONG_OR_RIGHT("named", "again");
};
BOOST_DESCRIBE_STRUCT(named_again, (), ())

template <class T> void stored() {
  std::string out;
  static_cast<void>(cleave::codec<T>::encode(T(), out).has_value());
}

int main() {
  stored<std::map<WRONG_OR_RIGHT(int, std::string), int>>();
  stored<derived>();
  stored<std::variant<WRONG_OR_RIGHT(described, named)>>();
  stored<std::variant<named, named_again>>();
}
