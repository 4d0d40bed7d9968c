// SPDX-License-Identifier: BSL-1.0
#include <cleave/event/event_type.hpp>

#include <cstddef>
#include <new>

namespace cleave {

namespace {

// An event while it is read: on the stack, unless it is large.
class read_object {
public:
  // Throws what the event's constructor throws.
  explicit read_object(event_type const& type) : type_(type) {
    if (type.size > sizeof small_ || type.alignment > alignof(std::max_align_t))
      memory_ = ::operator new(type.size, std::align_val_t(type.alignment));
    try {
      type.begin(memory_);
    } catch (...) {
      release();
      throw;
    }
  }
  read_object(read_object const&) = delete;
  read_object& operator=(read_object const&) = delete;
  ~read_object() {
    if (type_.destroy != nullptr) type_.destroy(memory_);
    release();
  }

  void* get() noexcept { return memory_; }

private:
  void release() noexcept {
    if (memory_ != small_) ::operator delete(memory_, std::align_val_t(type_.alignment));
  }

  event_type const& type_;
  alignas(std::max_align_t) std::byte small_[512];
  void* memory_ = small_;
};

} // namespace

result<void> event_type::encode(void const* object, std::string& out) const {
  return json != nullptr ? detail::encode_json(object, out, *json) : encode_by(object, out);
}

result<void> event_type::decode(std::string_view data, function_ref<void(void const* object)> use) const {
  if (json == nullptr) return decode_by(data, use);
  read_object object(*this);
  auto good = detail::decode_json(data, object.get(), *json);
  if (good) use(object.get());
  return good;
}

} // namespace cleave
