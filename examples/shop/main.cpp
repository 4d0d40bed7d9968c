// SPDX-License-Identifier: BSL-1.0
// The shop's command line. What it can do stands in cli/arguments.cpp; what the shop is, in application.hpp.
#include <cleave/flow_graph.hpp>

#include "application.hpp"
#include "cli/apply.hpp"
#include "cli/arguments.hpp"
#include "cli/import.hpp"
#include "cli/rebuild.hpp"
#include "cli/reports.hpp"

#include <cerrno>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace shop {

namespace {

constexpr int done = 0;
constexpr int refused_or_failed = 1;
constexpr int wrong_usage = 2;

cleave::result<bool> run_apply(running_shop& shop, arguments const& given) {
  if (given.operand == "-") return apply(shop, std::cin, std::cout);
  errno = 0;
  std::ifstream in(given.operand, std::ios::binary);
  if (!in) {
    return cleave::unexpected(cleave::make_error(cleave::errc::not_found, "{}: {}", given.operand,
                                                 std::generic_category().message(errno)));
  }
  return apply(shop, in, std::cout);
}

// True when nothing was refused.
cleave::result<bool> run(running_shop& shop, arguments const& given) {
  auto const printed = [&](auto print) {
    return print(shop, given, std::cout).and_then([]() -> cleave::result<bool> { return true; });
  };
  if (given.command == "import") {
    return import_folder(shop, given, std::cout, std::cerr, isatty(STDERR_FILENO) != 0);
  }
  if (given.command == "apply") return run_apply(shop, given);
  if (given.command == "rebuild")
    return rebuild(shop, given, std::cout, std::cerr, isatty(STDERR_FILENO) != 0);
  if (given.command == "revenue") return printed(print_revenue);
  if (given.command == "best-sellers") return printed(print_best_sellers);
  if (given.command == "open-orders") return printed(print_open_orders);
  if (given.command == "orders") return printed(print_orders);
  return printed(print_history);
}

void print_graph(arguments const& given, std::ostream& out) {
  using shop_application = decltype(make_application(std::declval<cleave::sqlite::event_store&>(),
                                                     std::declval<cleave::sqlite::read_store&>()));
  auto const graph = cleave::flow_graph_of<shop_application>();
  out << (given.json ? graph.json() + '\n' : graph.mermaid());
}

// "warehouse", or "customer:TEAHO".
user user_of(arguments const& given) {
  if (given.user.empty()) return {};
  auto const colon = given.user.find(':');
  if (colon == std::string::npos) return {.name = given.user, .role = given.user};
  return {.name = given.user.substr(colon + 1), .role = given.user.substr(0, colon)};
}

bool makes_the_file(arguments const& given) { return given.command == "import" || given.command == "apply"; }

int run_program(int argc, char const* const* argv) {
  auto const given = parse_arguments(argc, argv);
  if (!given) {
    std::cerr << "shop: " << given.error().text() << "\nTry shop --help.\n";
    return wrong_usage;
  }
  if (given->help) {
    std::cout << help_text(given->command);
    return done;
  }
  auto const fail = [](cleave::error const& why) {
    std::cerr << "shop: " << why.message() << '\n';
    return refused_or_failed;
  };
  auto const flushed = [&](bool all_good) {
    if (!std::cout.flush())
      return fail(cleave::make_error(cleave::errc::io_error, "standard output cannot be written"));
    return all_good ? done : refused_or_failed;
  };
  if (given->command == "graph") {
    print_graph(*given, std::cout);
    return flushed(true);
  }
  if (!makes_the_file(*given) && !std::filesystem::exists(given->db)) {
    return fail(cleave::make_error(cleave::errc::not_found, "there is no file {}", given->db));
  }
  auto const shop = running_shop::open(given->db, user_of(*given));
  if (!shop) return fail(shop.error());
  auto const all_good = run(**shop, *given);
  if (!all_good) return fail(all_good.error());
  return flushed(*all_good);
}

} // namespace

} // namespace shop

int main(int argc, char** argv) {
  try {
    return shop::run_program(argc, argv);
  } catch (std::exception const& thrown) {
    std::cerr << "shop: " << thrown.what() << '\n';
    return shop::refused_or_failed;
  }
}
