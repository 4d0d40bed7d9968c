// SPDX-License-Identifier: BSL-1.0
#include <cleave/command/decision.hpp>

#include <cstring>
#include <new>

namespace cleave::detail {

namespace {

void copy_object(event_type const& type, void* to, void const* from) {
  if (type.copy != nullptr) type.copy(to, from);
  else std::memcpy(to, from, type.size);
}

void move_object(event_type const& type, void* to, void* from) {
  if (type.move != nullptr) type.move(to, from);
  else std::memcpy(to, from, type.size);
}

void destroy_object(decided_event const& event) noexcept {
  if (event.type->destroy != nullptr) event.type->destroy(event.object);
}

} // namespace

decided::decided(decided& other, void* room) { take(other, room); }

decided::decided(decided const& other, void* room) : refused_(other.refused_) {
  try {
    for (std::size_t i = 0; i < other.size_; ++i) {
      event_type const& type = *other[i].type;
      copy_object(type, place(type, room), other[i].object);
      ++size_;
    }
  } catch (...) {
    clear(); // the destructor is not called
    throw;
  }
}

void decided::assign(decided& other, void* room) {
  clear();
  refused_.reset();
  take(other, room);
}

// Into an empty one.
void decided::take(decided& other, void* room) {
  refused_ = std::move(other.refused_);
  if (other.size_ == 0) return;
  move_object(*other.first_.type, room, other.first_.object);
  first_ = {other.first_.type, room};
  others_.swap(other.others_);
  size_ = std::exchange(other.size_, 1);
  other.clear();
}

void* decided::place_other(event_type const& type) {
  if (others_.size() == size_) { // the last one threw while it was made
    ::operator delete(others_.back().object, std::align_val_t(others_.back().type->alignment));
    others_.pop_back();
  }
  decided_event& next = others_.emplace_back(decided_event{&type, nullptr});
  next.object = ::operator new(type.size, std::align_val_t(type.alignment), std::nothrow);
  if (next.object != nullptr) return next.object;
  others_.pop_back();
  throw std::bad_alloc();
}

void decided::clear() noexcept {
  if (size_ != 0) destroy_object(first_);
  for (std::size_t i = 0; i < others_.size(); ++i) {
    if (i + 1 < size_) destroy_object(others_[i]);
    ::operator delete(others_[i].object, std::align_val_t(others_[i].type->alignment));
  }
  others_.clear();
  size_ = 0;
}

} // namespace cleave::detail
