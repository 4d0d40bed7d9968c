// SPDX-License-Identifier: BSL-1.0
// Which stores' write transactions this thread runs a function of, so that a call that would wait for itself is an error.
#pragma once

namespace cleave::sqlite {

class inside_scope {
public:
  explicit inside_scope(void const* store) noexcept : store_(store), outer_(innermost) { innermost = this; }
  inside_scope(inside_scope const&) = delete;
  inside_scope& operator=(inside_scope const&) = delete;
  ~inside_scope() { innermost = outer_; }

  static bool inside(void const* store) noexcept {
    for (inside_scope const* scope = innermost; scope != nullptr; scope = scope->outer_) {
      if (scope->store_ == store) return true;
    }
    return false;
  }

private:
  void const* store_;
  inside_scope const* outer_;
  static inline thread_local inside_scope const* innermost = nullptr;
};

} // namespace cleave::sqlite
