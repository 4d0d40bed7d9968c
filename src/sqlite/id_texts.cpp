// SPDX-License-Identifier: BSL-1.0
#include "id_texts.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace cleave::sqlite {

result<void> id_texts::learn(database& db, std::int64_t id) {
  bool const streams = which_ == of::streams;
  auto const text = db.value<std::string>(streams ? "SELECT name FROM cleave_streams WHERE id = ?1"
                                                  : "SELECT name FROM cleave_names WHERE id = ?1",
                                          id);
  if (!text) return unexpected(text.error());
  if (!*text) {
    return unexpected(make_error(errc::corrupt,
                                 "{}: an event belongs to the {} with id {}, which is not there", db.path(),
                                 streams ? "stream" : "event name", id));
  }
  if (2 * taken_ >= places_.size()) grow();
  ++taken_;
  places_[place_of(id)] = {id, texts_.put(**text)};
  return {};
}

void id_texts::grow() {
  auto const before = std::exchange(places_, std::vector<place>(std::max(first_places, 2 * places_.size())));
  for (place const& one : before) {
    if (one.text.data() != nullptr) places_[place_of(one.id)] = one;
  }
}

void id_texts::clear() {
  places_.assign(places_.size(), place());
  taken_ = 0;
  texts_.clear();
}

} // namespace cleave::sqlite
