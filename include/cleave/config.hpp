// SPDX-License-Identifier: BSL-1.0
// Assertions: the mechanism for bugs in the calling program, and for nothing else.
#pragma once

namespace cleave::detail {

// Writes what failed and where to stderr, then aborts. Compiled in src/base/assert.cpp.
[[noreturn]] void assertion_failed(char const* expression, char const* text, char const* file,
                                   int line) noexcept;

} // namespace cleave::detail

// CLEAVE_ASSERT(condition, "what the caller did wrong"): aborts with a message when the condition does not hold.
// It stays on in release builds (the conditions are cheap); define CLEAVE_ASSERT before including cleave to replace it.
#ifndef CLEAVE_ASSERT
#define CLEAVE_ASSERT(condition, text)                                                                       \
  ((condition) ? static_cast<void>(0)                                                                        \
               : ::cleave::detail::assertion_failed(#condition, text, __FILE__, __LINE__))
#endif
