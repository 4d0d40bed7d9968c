// SPDX-License-Identifier: BSL-1.0
#include "cli/arguments.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <utility>

namespace shop {

namespace {

using cleave::errc;
using cleave::make_error;
using cleave::unexpected;

struct command_form {
  std::string_view name;
  std::string_view operand; // what stands behind the name; empty: nothing
  bool takes_customer;
  bool takes_top;
  bool takes_json;
  std::string_view summary;
  std::string_view details;
  bool takes_no_file = false;
};

constexpr std::array forms{
    command_form{
        "import", "DIR", false, false, true, "read customers, products and orders from CSV files",
        "DIR holds customers.csv, products.csv, orders.csv and order-details.csv, each with a header line:\n"
        "  customers.csv      customerID, companyName, contactName, city, country\n"
        "  products.csv       productID, productName, unitPrice\n"
        "  orders.csv         orderID, customerID, orderDate, shippedDate (NULL: not shipped)\n"
        "  order-details.csv  orderID, productID, unitPrice, quantity, discount (0.15 is 15 %)\n"
        "Other columns are ignored. Dates are the first ten characters, 1996-07-04.\n"
        "\n"
        "Importing the same files again, also after the import was killed, changes nothing. What is in the\n"
        "shop already stays as it is. A bad row is named on standard error with file, line and reason and left\n"
        "out, an order with all its lines; the rest is imported, and the exit code is 1.\n"},
    command_form{
        "apply", "FILE|-", false, false, false, "execute commands, one JSON object a line",
        "Reads FILE, or standard input for -, and answers each line with one line, at once. Blank lines are\n"
        "skipped. A line that cannot be executed does not stop the next. Commands:\n"
        "  {\"command\":\"register-customer\",\"customer\":\"TEAHO\",\"company\":\"Tea House\",\n"
        "   \"contact\":\"...\",\"city\":\"...\",\"country\":\"...\"}\n"
        "  {\"command\":\"set-email\",\"customer\":\"TEAHO\",\"email\":\"tea@house.example\"}\n"
        "  {\"command\":\"add-product\",\"product\":1,\"name\":\"Green tea\",\"price_cents\":450}\n"
        "  {\"command\":\"change-price\",\"product\":1,\"price_cents\":480}\n"
        "  {\"command\":\"place-order\",\"order\":1,\"customer\":\"TEAHO\",\"placed_on\":\"2026-03-01\",\n"
        "   \"lines\":[{\"product\":1,\"quantity\":2,\"unit_price_cents\":480,\"discount_percent\":10}]}\n"
        "  {\"command\":\"ship-order\",\"order\":1,\"shipped_on\":\"2026-03-02\"}\n"
        "  {\"command\":\"cancel-order\",\"order\":1,\"reason\":\"...\"}\n"
        "  {\"command\":\"note-on-order\",\"order\":1,\"text\":\"...\"}\n"
        "contact, city, country, placed_on, shipped_on (default: the day of recording), unit_price_cents (default:\n"
        "the product's price), discount_percent (default: 0) and reason may be left out.\n"
        "\n"
        "Any command can carry an \"id\", a UUID or a text of your own: it is executed once, and the first answer is\n"
        "given again for a repeat, with \"repeated\":true, also after a restart. Answers:\n"
        "  {\"line\":1,\"position\":7,\"version\":1,\"repeated\":false}\n"
        "  {\"line\":2,\"rejection\":{\"code\":\"unknown-product\",\"text\":\"there is no product 9\"}}\n"
        "  {\"line\":3,\"error\":{\"code\":\"decode_failed\",\"text\":\"...\"}}\n"
        "The exit code is 1 when a line was rejected or failed.\n"
        "\n"
        "Without --as the commands are the keeper's, who may do everything. --as warehouse ships and notes; --as\n"
        "customer:TEAHO orders as that customer and sets its e-mail address. Anything else is not-allowed.\n"},
    command_form{
        "revenue", "", false, true, true, "revenue in total, by customer, by month",
        "Before and after discounts. An order counts in the month of the day it was placed on, shipped or not.\n"
        "Cancelled orders do not count.\n"},
    command_form{"best-sellers", "", false, true, true, "products by units sold",
                 "Cancelled orders do not count.\n"},
    command_form{"open-orders", "", false, false, true, "orders that are neither shipped nor cancelled", ""},
    command_form{"orders", "", true, false, true, "the orders of a customer", ""},
    command_form{"history", "ORDER", false, false, true, "what happened to an order, event by event", ""},
    command_form{
        "rebuild", "STEP", false, false, true,
        "build the read model of open orders anew, while the shop goes on",
        "STEP is one of these, each of which can be run beside other commands on the same file:\n"
        "  build   builds the other version beside the one that answers, shows how far it is on standard error,\n"
        "          and compares all rows; after a kill it goes on where it was\n"
        "  status  which version answers, and how far the other one is\n"
        "  switch  the other version answers from now on; the old one is kept\n"
        "  back    the old one answers again\n"
        "  drop    drops the version that does not answer\n"
        "The exit code is 1 when the rows differ, or the step cannot be taken.\n"},
    command_form{"graph", "", false, false, true, "which command leads to which event, read model and query",
                 "A flowchart in the language of Mermaid, read from the program itself.\n", true},
};

command_form const* find_form(std::string_view name) {
  auto const found = std::find_if(forms.begin(), forms.end(),
                                  [name](auto const& form) { return form.name == name; });
  return found == forms.end() ? nullptr : &*found;
}

std::string usage_line(command_form const& form) {
  std::string line = form.takes_no_file ? "shop " : "shop --db FILE ";
  line += form.name;
  if (!form.operand.empty()) (line += ' ') += form.operand;
  if (form.takes_customer) line += " --customer ID";
  if (form.takes_top) line += " [--top N]";
  if (form.takes_json) line += " [--json]";
  if (form.name == "apply") line += " [--as ROLE[:NAME]]";
  return line;
}

template <class... Parts> auto refuse(cleave::checked_format<sizeof...(Parts)> format,
                                      Parts const&... parts) {
  return unexpected(make_error(errc::invalid_argument, format, parts...));
}

cleave::result<std::int64_t> parse_top(std::string_view text) {
  std::int64_t top = 0;
  auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), top);
  if (code != std::errc() || end != text.data() + text.size() || top < 1) {
    return refuse("--top wants a number from 1 upwards, not \"{}\"", text);
  }
  return top;
}

// Whether everything that was given goes with the command, and everything that it needs was given.
cleave::result<void> check(arguments const& given, command_form const& form) {
  if (given.json && !form.takes_json) return refuse("{} takes no --json", form.name);
  if (given.top && !form.takes_top) return refuse("{} takes no --top", form.name);
  if (!given.customer.empty() && !form.takes_customer) return refuse("{} takes no --customer", form.name);
  if (!given.user.empty() && form.name != "apply") return refuse("{} takes no --as", form.name);
  if (!given.db.empty() && form.takes_no_file) return refuse("{} takes no --db", form.name);
  if (given.help) return {};
  if (given.db.empty() && !form.takes_no_file) return refuse("--db FILE is missing");
  if (given.customer.empty() && form.takes_customer) return refuse("{} wants --customer ID", form.name);
  if (given.operand.empty() && !form.operand.empty()) return refuse("{} wants {}", form.name, form.operand);
  return {};
}

} // namespace

cleave::result<arguments> parse_arguments(int argc, char const* const* argv) {
  std::span<char const* const> const words(argv, static_cast<std::size_t>(argc));
  arguments given;
  command_form const* form = nullptr;
  for (std::size_t i = 1; i < words.size(); ++i) {
    std::string_view const word = words[i];
    auto const value = [&](std::string& into) -> cleave::result<void> {
      if (i + 1 == words.size() || *words[i + 1] == '\0') return refuse("{} wants a value", word);
      if (!into.empty()) return refuse("{} stands there twice", word);
      into = words[++i];
      return {};
    };
    cleave::result<void> taken;
    if (word == "--help" || word == "-h") given.help = true;
    else if (word == "--json") given.json = true;
    else if (word == "--db") taken = value(given.db);
    else if (word == "--customer") taken = value(given.customer);
    else if (word == "--as") taken = value(given.user);
    else if (word == "--top") {
      std::string text;
      taken = value(text);
      if (taken) {
        auto const top = parse_top(text);
        if (!top) return unexpected(top.error());
        given.top = *top;
      }
    } else if (word.size() > 1 && word.starts_with('-')) return refuse("there is no option {}", word);
    else if (form == nullptr) {
      form = find_form(word);
      if (form == nullptr) return refuse("there is no command \"{}\"", word);
      given.command = word;
    } else if (!form->operand.empty() && given.operand.empty() && !word.empty()) given.operand = word;
    else return refuse("{} does not take \"{}\"", form->name, word);
    if (!taken) return unexpected(std::move(taken).error());
  }
  if (form == nullptr) {
    if (given.help) return given;
    return refuse("a command is missing");
  }
  if (auto fits = check(given, *form); !fits) return unexpected(std::move(fits).error());
  return given;
}

std::string help_text(std::string_view command) {
  if (auto const* form = find_form(command)) {
    std::string text = "usage: " + usage_line(*form) + "\n\n";
    text += form->summary;
    text += ".\n";
    if (!form->details.empty()) (text += '\n') += form->details;
    text += '\n';
    if (!form->takes_no_file)
      text += "--db FILE      the shop's file; import and apply make it when it is not there\n";
    if (form->takes_customer) text += "--customer ID  whose orders\n";
    if (form->takes_top) text += "--top N        only the first N; default: all in JSON, 10 in the table\n";
    if (form->takes_json) text += "--json         one JSON value instead of a table\n";
    if (form->name == "apply") text += "--as ROLE[:NAME]  whose commands; default: the keeper's\n";
    return text;
  }
  std::string text = "A shop on one SQLite file: customers, products, orders. An example of cleave.\n\n";
  for (command_form const& form : forms)
    text += "  " + usage_line(form) + "\n      " + std::string(form.summary) + "\n";
  text += "  shop COMMAND --help\n      more about one of them\n\n"
          "Exit code: 0 done, 1 something was rejected or failed, 2 the command line is wrong.\n";
  return text;
}

} // namespace shop
