// SPDX-License-Identifier: BSL-1.0
#include "encoded_append.hpp"

#include <cleave/base/limits.hpp>
#include <cleave/event/json_reader.hpp>
#include <cleave/event/json_writer.hpp>

#include <fmt/format.h>

namespace cleave::sqlite {

namespace {

result<void> encode_data(new_event const& event, std::string& out) {
  if (!event.type->has_codec()) {
    return unexpected(make_error(errc::unsupported,
                                 "event {} has no codec: it cannot leave the process's memory", event.name));
  }
  try {
    if (auto good = event.type->encode(event.object, out); !good) {
      return unexpected(
          error(good.error().code(), fmt::format("cannot encode event {}", event.name), good.error()));
    }
  } catch (...) {
    return unexpected(
        cleave::detail::current_exception_error(fmt::format("the codec of event {}", event.name)));
  }
  return {};
}

result<void> encode_tags(std::span<std::string_view const> tags, std::string& out) {
  return cleave::detail::encode_json(&tags, out, [](cleave::detail::json_writer& writer, void const* value) {
    auto const& list = *static_cast<std::span<std::string_view const> const*>(value);
    char lead = '[';
    for (std::string_view const tag : list) {
      writer.put(lead);
      if (!writer.text(tag)) return false;
      lead = ',';
    }
    writer.put(']');
    return true;
  });
}

result<void> encode_headers(std::span<header const> headers, std::string& out) {
  return cleave::detail::encode_json(&headers, out,
                                     [](cleave::detail::json_writer& writer, void const* value) {
                                       auto const& list = *static_cast<std::span<header const> const*>(value);
                                       char lead = '{';
                                       for (header const& one : list) {
                                         writer.put(lead);
                                         if (!writer.text(one.name)) return false;
                                         writer.put(':');
                                         if (!writer.text(one.value)) return false;
                                         lead = ',';
                                       }
                                       writer.put('}');
                                       return true;
                                     });
}

bool is_text(std::string_view data) noexcept {
  return data.find('\0') == std::string_view::npos && find_invalid_utf8(data) == std::string_view::npos;
}

} // namespace

result<void> encoded_append::encode_event(new_event const& event, texts data, places& at) {
  auto const append = [&](place& where, auto&& encode) -> result<void> {
    where.begin = bytes_.size();
    auto good = encode(bytes_);
    where.size = bytes_.size() - where.begin;
    return good;
  };
  std::size_t size = event.data.size();
  if (event.type != nullptr) {
    auto good = append(at.data, [&](std::string& out) { return encode_data(event, out); });
    if (!good) return good;
    size = at.data.size;
  } else if (data == texts::copied) {
    at.data = {bytes_.size(), size};
    bytes_.append(event.data);
  }
  if (auto good = check_event_data(event.name, size); !good) return good;
  total_ += size;
  if (!event.tags.empty()) {
    auto good = append(at.tags, [&](std::string& out) { return encode_tags(event.tags, out); });
    if (!good) return good;
  }
  if (event.metadata.headers.empty()) return {};
  return append(at.headers, [&](std::string& out) { return encode_headers(event.metadata.headers, out); });
}

result<void> encoded_append::encode(append_request const& request, texts data) {
  std::size_t count = 0;
  for (stream_append const& part : request.streams) count += part.events.size();
  bytes_.clear();
  total_ = 0;
  places_.assign(count, {});
  std::size_t i = 0;
  for (stream_append const& part : request.streams) {
    for (new_event const& event : part.events) {
      if (auto good = encode_event(event, data, places_[i++]); !good) return good;
    }
  }
  if (total_ > limits::append_data_bytes) {
    return unexpected(make_error(errc::limit_exceeded,
                                 "the data of the append have {} bytes, at most {} are allowed", total_,
                                 limits::append_data_bytes));
  }
  forms_.resize(count);
  auto const view = [all = std::string_view(bytes_)](place at) { return all.substr(at.begin, at.size); };
  i = 0;
  for (stream_append const& part : request.streams) {
    for (new_event const& event : part.events) {
      form& to = forms_[i];
      bool const viewed = event.type == nullptr && data == texts::viewed;
      to.data = viewed ? event.data : view(places_[i].data);
      to.tags = view(places_[i].tags);
      to.headers = view(places_[i].headers);
      to.is_text = is_text(to.data);
      ++i;
    }
  }
  return {};
}

result<void> decode_tags(std::string_view json, std::vector<std::string>& tags) {
  tags.clear();
  return cleave::detail::decode_json(json, &tags, [](cleave::detail::json_reader& reader, void* target) {
    return reader.list(target, [](cleave::detail::json_reader& element, void* list, std::size_t) {
      return element.text(static_cast<std::vector<std::string>*>(list)->emplace_back());
    });
  });
}

result<void> decode_headers(std::string_view json, std::vector<owned_header>& headers) {
  headers.clear();
  return cleave::detail::decode_json(json, &headers, [](cleave::detail::json_reader& reader, void* target) {
    return reader.map(target, [](cleave::detail::json_reader& entry, void* list, std::string const& key) {
      auto& added = static_cast<std::vector<owned_header>*>(list)->emplace_back();
      added.name = key;
      return entry.text(added.value) ? cleave::detail::json_entry::read : cleave::detail::json_entry::failed;
    });
  });
}

} // namespace cleave::sqlite
