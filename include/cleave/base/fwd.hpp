// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

namespace cleave {

enum class errc : std::uint8_t;
class error;
template <class E> class unexpected;
template <class T, class E> class result;
template <class Signature> class function_ref;

class timestamp;
class clock_ref;
class uuid;
template <class Tag> class basic_id;
class id_source_ref;
struct principal;
class backoff;
class waiter_ref;

} // namespace cleave
