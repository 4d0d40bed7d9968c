// SPDX-License-Identifier: BSL-1.0
#include "id_texts.hpp"

#include <fmt/format.h>

namespace cleave::sqlite {

result<std::string_view> id_texts::find(database& db, std::int64_t id) {
  if (last_.data() != nullptr && id == last_id_) return last_;
  auto known = known_.find(id);
  if (known == known_.end()) {
    bool const streams = which_ == of::streams;
    auto text = db.value<std::string>(streams ? "SELECT name FROM cleave_streams WHERE id = ?1"
                                              : "SELECT name FROM cleave_names WHERE id = ?1",
                                      id);
    if (!text) return unexpected(std::move(text).error());
    if (!*text) {
      return unexpected(make_error(errc::corrupt,
                                   "{}: an event belongs to the {} with id {}, which is not there", db.path(),
                                   streams ? "stream" : "event name", id));
    }
    known = known_.emplace(id, std::move(**text)).first;
  }
  last_id_ = id;
  last_ = known->second;
  return last_;
}

void id_texts::trim() {
  if (known_.size() < most) return;
  known_.clear();
  last_ = {};
}

} // namespace cleave::sqlite
