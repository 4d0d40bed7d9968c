// SPDX-License-Identifier: BSL-1.0
#include "cli/reports.hpp"

#include "cli/json.hpp"
#include "cli/table.hpp"

#include <boost/describe/class.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace shop {

namespace {

using align = text_table::align;

template <class T> cleave::result<void> print_json(T const& value, std::ostream& out) {
  auto text = to_json(value);
  if (!text) return cleave::unexpected(std::move(text).error());
  out << *text << '\n';
  return {};
}

// How many rows a table shows.
std::size_t shown(arguments const& given, std::size_t rows) {
  return std::min(rows, static_cast<std::size_t>(given.top.value_or(10)));
}

// "1 line", "2 lines".
std::string counted(std::size_t count, std::string_view what) {
  return cleave::format_text("{} {}{}", count, what, count == 1 ? "" : "s");
}

// The best customer stands alone too, because that is what people ask for.
struct revenue_answer {
  std::int64_t orders = 0;
  cents before_discount;
  amount total;
  std::optional<customer_revenue> best_customer;
  std::vector<customer_revenue> customers;
  std::vector<month_revenue> months;
};
BOOST_DESCRIBE_STRUCT(revenue_answer, (), (orders, before_discount, total, best_customer, customers, months))

// One event as --json shows it.
struct event_answer {
  cleave::version version;
  cleave::position position;
  std::string name;
  cleave::timestamp recorded_at;
  json_text data;
};
BOOST_DESCRIBE_STRUCT(event_answer, (), (version, position, name, recorded_at, data))

std::string on_day(std::optional<date> const& day) { return day ? " on " + day->text() : std::string(); }

// The events of an order in words.
std::string tell(order_placed const& e) {
  return cleave::format_text("placed by {}{}: {} in {}, {} before, {} after discounts", e.customer,
                             on_day(e.placed_on), counted(static_cast<std::size_t>(e.units()), "unit"),
                             counted(e.lines.size(), "line"), cents{e.full_price_cents()}.text(),
                             amount{e.price_e4()}.text());
}
std::string tell(order_shipped const& e) { return "shipped" + on_day(e.shipped_on); }
std::string tell(order_noted const& e) { return "noted: " + e.text; }
std::string tell(order_cancelled const& e) { return e.reason ? "cancelled: " + *e.reason : "cancelled"; }

} // namespace

cleave::result<void> print_revenue(running_shop& shop, arguments const& given, std::ostream& out) {
  auto figures = shop.query(revenue_report{});
  if (!figures) return cleave::unexpected(std::move(figures).error());
  auto& [orders, before_discount, total, customers, months] = *figures;
  if (given.json) {
    auto const best = customers.empty() ? std::nullopt : std::optional(customers.front());
    if (given.top && customers.size() > shown(given, customers.size()))
      customers.resize(shown(given, customers.size()));
    return print_json(
        revenue_answer{orders, before_discount, total, best, std::move(customers), std::move(months)}, out);
  }

  out << "orders           " << orders << "\nbefore discount  " << before_discount.text()
      << "\ntotal            " << total.text() << "\n\n";
  text_table by_customer({{"customer"}, {"company"}, {"orders", align::right}, {"total", align::right}});
  auto const some = shown(given, customers.size());
  for (std::size_t i = 0; i < some; ++i) {
    auto const& [customer, company, count, before, after] = customers[i];
    by_customer.add({customer, company, std::to_string(count), after.text()});
  }
  by_customer.print(out);
  if (some < customers.size()) {
    out << "and " << counted(customers.size() - some, "other") << "; --top N shows more\n";
  }
  out << '\n';
  text_table by_month({{"month"}, {"orders", align::right}, {"total", align::right}});
  for (auto const& [month, count, before, after] : months)
    by_month.add({month, std::to_string(count), after.text()});
  by_month.print(out);
  return {};
}

cleave::result<void> print_best_sellers(running_shop& shop, arguments const& given, std::ostream& out) {
  auto const best = shop.query(best_sellers_report{given.top.value_or(given.json ? INT64_MAX : 10)});
  if (!best) return cleave::unexpected(best.error());
  if (given.json) return print_json(*best, out);
  text_table table({{"product", align::right}, {"name"}, {"units", align::right}, {"total", align::right}});
  for (auto const& [product, name, units, total] : *best) {
    table.add({std::to_string(product), name, std::to_string(units), total.text()});
  }
  table.print(out);
  return {};
}

cleave::result<void> print_open_orders(running_shop& shop, arguments const& given, std::ostream& out) {
  auto const open = shop.query(open_orders_report{});
  if (!open) return cleave::unexpected(open.error());
  if (given.json) return print_json(*open, out);
  text_table table({{"order", align::right},
                    {"customer"},
                    {"placed on"},
                    {"lines", align::right},
                    {"units", align::right},
                    {"total", align::right}});
  for (auto const& [order, customer, placed_on, lines, units, total] : *open) {
    table.add({std::to_string(order), customer, placed_on, std::to_string(lines), std::to_string(units),
               total.text()});
  }
  table.print(out);
  out << counted(open->size(), "open order") << '\n';
  return {};
}

cleave::result<void> print_orders(running_shop& shop, arguments const& given, std::ostream& out) {
  auto const found = shop.query(orders_of{given.customer});
  if (!found) return cleave::unexpected(found.error());
  if (given.json) return print_json(*found, out);
  out << found->customer << "  " << found->company << "\n\n";
  text_table table({{"order", align::right},
                    {"status"},
                    {"placed on"},
                    {"shipped on"},
                    {"lines", align::right},
                    {"units", align::right},
                    {"total", align::right}});
  for (auto const& [order, status, placed_on, shipped_on, lines, units, before, total] : found->orders) {
    table.add({std::to_string(order), status, placed_on, shipped_on.value_or(""), std::to_string(lines),
               std::to_string(units), total.text()});
  }
  table.print(out);
  return {};
}

cleave::result<void> print_history(running_shop& shop, arguments const& given, std::ostream& out) {
  std::vector<event_answer> events;
  text_table table(
      {{"version", align::right}, {"position", align::right}, {"recorded at"}, {"event"}, {"what happened"}});
  std::optional<cleave::error> failed;
  auto const show = [&](cleave::recorded_event const& recorded) {
    auto const& at = recorded.at;
    events.push_back(
        {at.version, at.position, std::string(at.name), at.recorded_at, {std::string(recorded.data)}});
    auto const known = cleave::visit_event<order::events>(recorded, [&](auto const& event, auto const&) {
      table.add({std::to_string(at.version.value()), std::to_string(at.position.value()),
                 to_string(at.recorded_at), std::string(at.name), tell(event)});
    });
    if (!known) failed = known.error();
    return !failed;
  };
  auto const stream = std::string(order::category) + '-' + given.operand;
  auto const read = shop.log().read_stream(stream, cleave::stream_range::all(), show);
  if (!read) return cleave::unexpected(read.error());
  if (failed) return cleave::unexpected(*std::move(failed));
  if (events.empty()) {
    return cleave::unexpected(
        cleave::make_error(cleave::errc::not_found, "there is no order {}", given.operand));
  }
  if (given.json) return print_json(events, out);
  table.print(out);
  return {};
}

} // namespace shop
