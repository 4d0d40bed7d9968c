// SPDX-License-Identifier: BSL-1.0
// The shop, put together: one SQLite file with the log, the tables of customers and products, and the read models.
#pragma once

#include <cleave/application.hpp>
#include <cleave/middleware/authorisation.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/sqlite/read_store.hpp>

#include "domain/access.hpp"
#include "domain/catalogue.hpp"
#include "domain/customers.hpp"
#include "domain/email_book.hpp"
#include "domain/order.hpp"
#include "domain/order_desk.hpp"
#include "read_models/best_sellers.hpp"
#include "read_models/open_orders.hpp"
#include "read_models/order_summaries.hpp"
#include "read_models/revenue.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace shop {

inline auto make_application(cleave::sqlite::event_store& log, cleave::sqlite::read_store& rows) {
  return cleave::application{log,
                             cleave::around_commands(cleave::authorisation{access{}}),
                             cleave::deciders<order>,
                             cleave::boundaries<email_book>,
                             cleave::command_handlers<customers, catalogue, order_desk>,
                             cleave::stored_projections<order_summaries, revenue, best_sellers>(rows),
                             cleave::rebuildable_projection<open_orders, open_orders_anew>(rows)};
}

// Who uses the shop, once it is known that it is them.
struct user {
  std::string name = "keeper";
  std::string role = "keeper"; // see domain/access.hpp
};

class running_shop {
public:
  // Makes the file when it is not there. The errors are those of cleave::sqlite::event_store::open.
  static cleave::result<std::unique_ptr<running_shop>> open(std::string const& path, user who = {});

  // Every command is the user's.
  template <class C> cleave::command_result execute(C const& command, cleave::command_context context = {}) {
    std::string_view const role = user_.role;
    cleave::principal const who{.name = user_.name, .roles = {&role, 1}};
    context.principal = &who;
    return application_.execute(command, context);
  }

  // The answer as of now: it reflects everything that is in the log when the question is asked. errc::stale after a minute.
  template <class Q> cleave::result<typename Q::result_type> query(Q const& question) {
    auto const head = log_.head();
    if (!head) return cleave::unexpected(head.error());
    return application_.query(question, cleave::at_least(*head, std::chrono::minutes(1)));
  }

  cleave::sqlite::event_store& log() { return log_; }
  // Builds the other version of this read model, and switches to it.
  auto& versions_of_open_orders() { return application_.template projector<open_orders>(); }

private:
  running_shop(cleave::sqlite::event_store log, cleave::sqlite::read_store rows, user who)
      : user_(std::move(who)),
        log_(std::move(log)),
        rows_(std::move(rows)),
        application_(make_application(log_, rows_)) {}

  user user_;
  cleave::sqlite::event_store log_;
  cleave::sqlite::read_store rows_;
  decltype(make_application(log_, rows_)) application_;
};

} // namespace shop
