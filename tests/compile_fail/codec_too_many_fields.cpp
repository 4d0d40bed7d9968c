// SPDX-License-Identifier: BSL-1.0
// expect: cleave: a described struct has more fields than limits::record_fields
#include <cleave/event/codec.hpp>

#include <boost/describe.hpp>

#include <string>

// Bases of 16 fields each, with names that differ.
#define FIELDS(p)                                                                                            \
  p##_0, p##_1, p##_2, p##_3, p##_4, p##_5, p##_6, p##_7, p##_8, p##_9, p##_a, p##_b, p##_c, p##_d, p##_e,   \
      p##_f
#define BASE(p)                                                                                              \
  struct base_##p {                                                                                          \
    int FIELDS(p);                                                                                           \
  };                                                                                                         \
  BOOST_DESCRIBE_STRUCT(base_##p, (), (FIELDS(p)))

BASE(a)
BASE(b)
BASE(c)
BASE(d)
BASE(e)
BASE(f)
BASE(g)
BASE(h)
BASE(i)
BASE(j)
BASE(k)
BASE(l)
BASE(m)
BASE(n)
BASE(o)
BASE(p)

struct full : base_a,
              base_b,
              base_c,
              base_d,
              base_e,
              base_f,
              base_g,
              base_h,
              base_i,
              base_j,
              base_k,
              base_l,
              base_m,
              base_n,
              base_o,
              base_p {};
BOOST_DESCRIBE_STRUCT(full,
                      (base_a, base_b, base_c, base_d, base_e, base_f, base_g, base_h, base_i, base_j, base_k,
                       base_l, base_m, base_n, base_o, base_p),
                      ())

struct too_many : full {
  int one_more = 0;
};
BOOST_DESCRIBE_STRUCT(too_many, (full), (one_more))

#ifdef CLEAVE_MUST_FAIL
using stored = too_many;
#else
using stored = full;
#endif

int main() {
  std::string out;
  return cleave::codec<stored>::encode(stored(), out) ? 0 : 1;
}
