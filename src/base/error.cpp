// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/error.hpp>

#include <exception>

namespace cleave {

std::string_view to_string(errc code) noexcept {
  switch (code) {
  case errc::invalid_argument: return "invalid_argument";
  case errc::limit_exceeded: return "limit_exceeded";
  case errc::version_conflict: return "version_conflict";
  case errc::duplicate_event: return "duplicate_event";
  case errc::command_id_reused: return "command_id_reused";
  case errc::not_found: return "not_found";
  case errc::stale: return "stale";
  case errc::timeout: return "timeout";
  case errc::busy: return "busy";
  case errc::decode_failed: return "decode_failed";
  case errc::encode_failed: return "encode_failed";
  case errc::unknown_event: return "unknown_event";
  case errc::handler_failed: return "handler_failed";
  case errc::io_error: return "io_error";
  case errc::disk_full: return "disk_full";
  case errc::read_only: return "read_only";
  case errc::corrupt: return "corrupt";
  case errc::newer_schema: return "newer_schema";
  case errc::not_a_store: return "not_a_store";
  case errc::store_failed: return "store_failed";
  case errc::stopped: return "stopped";
  case errc::unsupported: return "unsupported";
  case errc::constraint_violated: return "constraint_violated";
  case errc::already_exists: return "already_exists";
  }
  return "unknown";
}

error::error(errc code, std::string text, error cause)
    : code_(code), text_(std::move(text)), cause_(new error(std::move(cause))) {}

error::error(error const& other)
    : code_(other.code_),
      text_(other.text_),
      cause_(other.cause_ != nullptr ? new error(*other.cause_) : nullptr) {}

error::error(error&& other) noexcept
    : code_(other.code_), text_(std::move(other.text_)), cause_(std::exchange(other.cause_, nullptr)) {}

error::~error() { delete cause_; }

std::string error::message() const {
  std::string out(to_string(code_));
  for (error const* at = this; at != nullptr; at = at->cause()) {
    out += ": ";
    out += at->text();
  }
  return out;
}

namespace detail {

error current_exception_error(std::string_view where) {
  try {
    throw;
  } catch (std::exception const& thrown) {
    return make_error(errc::handler_failed, "{} threw: {}", where, std::string_view(thrown.what()));
  } catch (...) {
    return make_error(errc::handler_failed, "{} threw something that is no std::exception", where);
  }
}

} // namespace detail

} // namespace cleave
