// SPDX-License-Identifier: BSL-1.0
#include <cleave/testing/story.hpp>

#include <boost/core/demangle.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace cleave::testing::detail {

namespace {

// The stored name, or the C++ name without its namespaces.
std::string name_of(shown_value const& value) {
  if (!value.stored_name.empty()) return std::string(value.stored_name);
  std::string name = boost::core::demangle(value.type->name());
  if (name.find('<') != std::string::npos) return name;
  auto const colons = name.rfind("::");
  return colons == std::string::npos ? name : name.substr(colons + 2);
}

std::string line_of(shown_value const& value) { return name_of(value) + ' ' + value.text(value.object); }
std::string line_of(rejection const& refused) {
  return fmt::format("rejected {}: {}", refused.code, refused.text);
}

std::string lines_of(std::span<shown_value const> events) {
  std::string out;
  for (shown_value const& event : events) out += fmt::format("        {}\n", line_of(event));
  return out.empty() ? "        nothing\n" : out;
}

bool same(shown_value const& one, shown_value const& other) {
  return *one.type == *other.type && one.equal(one.object, other.object);
}

// Adds where two values of one type differ, each line beginning with `place`.
void add_differences(std::string& out, std::string_view place, shown_value const& expected,
                     shown_value const& actual) {
  std::vector<shown_field> wanted;
  std::vector<shown_field> found;
  expected.fields(expected.object, wanted);
  actual.fields(actual.object, found);
  bool any = false;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].text == found[i].text) continue;
    any = true;
    out += fmt::format("        {}, {}: expected {}, actual {}\n", place, wanted[i].name, wanted[i].text,
                       found[i].text);
  }
  if (!any && expected.text(expected.object) == actual.text(actual.object)) {
    out += fmt::format("        {}: operator== tells them apart, their stored forms are the same\n", place);
  }
}

std::string differences(std::span<shown_value const> expected, std::span<shown_value const> actual) {
  std::string out;
  for (std::size_t i = 0; i < std::max(expected.size(), actual.size()); ++i) {
    std::string const place = fmt::format("event {}", i + 1);
    if (i >= actual.size())
      out += fmt::format("        {}: expected {}, there is none\n", place, name_of(expected[i]));
    else if (i >= expected.size())
      out += fmt::format("        {}: {} was not expected\n", place, name_of(actual[i]));
    else if (*expected[i].type != *actual[i].type) {
      out += fmt::format("        {}: expected {}, actual {}\n", place, name_of(expected[i]),
                         name_of(actual[i]));
    } else if (!same(expected[i], actual[i])) add_differences(out, place, expected[i], actual[i]);
  }
  return out;
}

// The end of a report; `expected` and `actual` are whole lines, indented by 8.
report ended(std::string const& story, std::string_view came) {
  std::string text = story + "then  ";
  for (std::string_view rest = came; !rest.empty();) {
    std::size_t const end = rest.find('\n') + 1;
    if (rest.size() != came.size()) text += "      ";
    text += rest.substr(8, end - 8);
    rest.remove_prefix(end);
  }
  return report(true, std::move(text));
}
report ended(std::string const& story, std::string_view expected, std::string_view actual,
             std::string_view where) {
  std::string text = fmt::format("{}then  expected\n{}      actual\n{}", story, expected, actual);
  if (!where.empty()) text += fmt::format("      difference\n{}", where);
  return report(false, std::move(text));
}

std::string failed_line(error const& why) { return fmt::format("        {}\n", why.message()); }

} // namespace

envelope story::given(shown_value const& event, std::string_view stream, timestamp recorded_at) {
  text_ += fmt::format("{} {}", position_ == 0 ? "given" : "     ", line_of(event));
  if (stream != stream_of_unplaced) text_ += fmt::format(" in {}", stream);
  text_ += '\n';
  auto counted = std::ranges::find(streams_, stream, &counted_stream::name);
  if (counted == streams_.end()) counted = streams_.insert(counted, {std::string(stream), 0});

  envelope at;
  at.position = position(++position_);
  at.stream = stream;
  at.version = version(++counted->version);
  at.name = event.stored_name;
  std::array<std::uint8_t, uuid::size> id{};
  for (std::size_t i = 0; i < 8; ++i) id[15 - i] = static_cast<std::uint8_t>(position_ >> (8 * i));
  at.id = event_id(uuid(id));
  at.recorded_at = recorded_at;
  return at;
}

void story::when(shown_value const& asked) {
  if (position_ == 0) text_ += "given nothing\n";
  text_ += fmt::format("when  {}\n", line_of(asked));
}

void story::fail(error why) {
  if (!failure_) failure_ = std::move(why);
}

report story::then_events(std::span<shown_value const> expected, std::span<shown_value const> actual,
                          rejection const* refused) const {
  std::string const wanted = lines_of(expected);
  if (failure_) return ended(text_, wanted, failed_line(*failure_), {});
  if (refused != nullptr) return ended(text_, wanted, fmt::format("        {}\n", line_of(*refused)), {});
  if (std::ranges::equal(expected, actual, same)) return ended(text_, wanted);
  return ended(text_, wanted, lines_of(actual), differences(expected, actual));
}

report story::then_rejected(std::string_view code, std::span<shown_value const> actual,
                            rejection const* refused) const {
  std::string const wanted = fmt::format("        rejected {}\n", code);
  if (failure_) return ended(text_, wanted, failed_line(*failure_), {});
  if (refused == nullptr) return ended(text_, wanted, lines_of(actual), {});
  if (refused->code == code) return ended(text_, fmt::format("        {}\n", line_of(*refused)));
  return ended(text_, wanted, fmt::format("        {}\n", line_of(*refused)), {});
}

report story::then_answer(shown_value const& expected, std::optional<shown_value> const& actual,
                          error const* failure) const {
  std::string const wanted = fmt::format("        {}\n", expected.text(expected.object));
  if (failure_) return ended(text_, wanted, failed_line(*failure_), {});
  if (failure != nullptr) return ended(text_, wanted, failed_line(*failure), {});
  if (same(expected, *actual)) return ended(text_, wanted);
  std::string where;
  add_differences(where, "answer", expected, *actual);
  return ended(text_, wanted, fmt::format("        {}\n", actual->text(actual->object)), where);
}

report story::then_failed(errc code, std::optional<shown_value> const& actual, error const* failure) const {
  std::string const wanted = fmt::format("        {}\n", to_string(code));
  if (failure_) return ended(text_, wanted, failed_line(*failure_), {});
  if (failure == nullptr)
    return ended(text_, wanted, fmt::format("        {}\n", actual->text(actual->object)), {});
  if (failure->code() == code) return ended(text_, failed_line(*failure));
  return ended(text_, wanted, failed_line(*failure), {});
}

} // namespace cleave::testing::detail
