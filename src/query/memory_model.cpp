// SPDX-License-Identifier: BSL-1.0
#include <cleave/query/detail/memory_model.hpp>

namespace cleave::detail {

bool memory_feed::operator()(recorded_event const& found) {
  ended_ = found.at.position >= before_;
  return !ended_ && take_one(found);
}

bool memory_feed::take_one(recorded_event const& found) {
  ++done_.events;
  done_.last = found.at.position;
  done_.touched = false;
  to_.touched = false;
  try {
    if (divert_ != nullptr) {
      done_.diverting = true;
      result<bool> const diverted = (*divert_)(found.at);
      if (!diverted) return stop(diverted.error());
      done_.diverting = false;
      if (*diverted) return true;
    }
    auto const known = visit_stored(found, type_.rows, &to_);
    done_.touched = to_.touched;
    return known ? true : stop(known.error());
  } catch (...) {
    done_.touched = to_.touched;
    return thrown(found.at);
  }
}

bool memory_feed::thrown(envelope const& at) {
  return stop(projection_failed(type_.name, at, current_exception_error("on")));
}

bool memory_feed::stop(error why) {
  failed_ = std::move(why);
  done_.failed = !done_.diverting;
  return false;
}

} // namespace cleave::detail
