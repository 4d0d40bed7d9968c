// SPDX-License-Identifier: BSL-1.0
#include "cli/apply.hpp"

#include "cli/command_ids.hpp"
#include "cli/files.hpp"
#include "cli/json.hpp"
#include "cli/json_fields.hpp"

#include <boost/describe/class.hpp>
#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace shop {

namespace {

using every_command = boost::mp11::mp_list<register_customer, set_email, add_product, change_price,
                                           place_order, ship_order, cancel_order, note_on_order>;

// What stands in a line beside the command's own fields.
struct command_head {
  std::optional<std::string> command;
  std::optional<std::string> id;
};
BOOST_DESCRIBE_STRUCT(command_head, (), (command, id))

struct reason {
  std::string code;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(reason, (), (code, text))

struct committed_answer {
  std::size_t line = 0;
  cleave::position position;
  cleave::version version;
  bool repeated = false;
};
BOOST_DESCRIBE_STRUCT(committed_answer, (), (line, position, version, repeated))

struct rejected_answer {
  std::size_t line = 0;
  reason rejection;
};
BOOST_DESCRIBE_STRUCT(rejected_answer, (), (line, rejection))

struct failed_answer {
  std::size_t line = 0;
  reason error;
};
BOOST_DESCRIBE_STRUCT(failed_answer, (), (line, error))

auto unreadable(cleave::error why) { return cleave::unexpected(cleave::command_failure(std::move(why))); }

template <class C>
cleave::command_result execute_as(running_shop& shop, std::string_view json,
                                  cleave::command_context const& context) {
  if (auto good = check_fields<C>(json, {"command", "id"}); !good) return unreadable(std::move(good).error());
  auto command = cleave::codec<C>::decode(json);
  if (!command) return unreadable(std::move(command).error());
  return shop.execute(*command, context);
}

cleave::command_result execute(running_shop& shop, std::string_view json) {
  auto head = cleave::codec<command_head>::decode(json);
  if (!head) return unreadable(std::move(head).error());
  if (!head->command) {
    return unreadable(cleave::make_error(cleave::errc::decode_failed, "command: the field is missing"));
  }
  cleave::command_context const context{.id = head->id ? named_command(*head->id) : cleave::command_id()};
  std::optional<cleave::command_result> done;
  boost::mp11::mp_for_each<boost::mp11::mp_transform<std::type_identity, every_command>>(
      [&]<class C>(std::type_identity<C>) {
        if (*head->command == C::command_name) done = execute_as<C>(shop, json, context);
      });
  if (done) return *std::move(done);
  return unreadable(
      cleave::make_error(cleave::errc::decode_failed, "command: there is no command \"{}\"", *head->command));
}

cleave::result<std::string> answer(std::size_t line, cleave::command_result const& done) {
  if (done) return to_json(committed_answer{line, done->position, done->version, done->repeated});
  cleave::command_failure const& why = done.error();
  if (why.is_rejection()) return to_json(rejected_answer{line, {why.rejection().code, why.rejection().text}});
  return to_json(failed_answer{line, {std::string(to_string(why.error().code())), why.error().text()}});
}

} // namespace

cleave::result<bool> apply(running_shop& shop, std::istream& in, std::ostream& out) {
  using cleave::errc;
  using cleave::make_error;
  bool all_executed = true;
  std::string line;
  bool too_long = false;
  for (std::size_t number = 1; read_line(in, line, too_long); ++number) {
    if (!too_long && line.find_first_not_of(" \t") == std::string::npos) continue; // a blank line
    auto const done = too_long
                          ? unreadable(make_error(errc::limit_exceeded, "more than {} bytes", max_line_bytes))
                          : execute(shop, line);
    if (!done) all_executed = false;
    auto text = answer(number, done);
    if (!text) return cleave::unexpected(std::move(text).error());
    if (!(out << *text << '\n' << std::flush)) {
      return cleave::unexpected(
          make_error(errc::io_error, "the answer to line {} cannot be written", number));
    }
  }
  return all_executed;
}

} // namespace shop
