// SPDX-License-Identifier: BSL-1.0
#include "domain/customers.hpp"

namespace shop {

cleave::result<cleave::decision<customer_registered>> customers::handle(register_customer const& command,
                                                                        cleave::sqlite::transaction& in) {
  if (command.customer.empty() || command.company.empty()) {
    return cleave::reject("empty-name", "a customer needs an id and the name of a company");
  }
  auto& db = in.db();
  std::optional<std::int64_t> country;
  if (command.country) {
    auto named = db.execute("INSERT INTO country(name) VALUES(?1) ON CONFLICT DO NOTHING", *command.country);
    if (!named) return cleave::unexpected(std::move(named).error());
    auto found = db.value<std::int64_t>("SELECT id FROM country WHERE name = ?1", *command.country);
    if (!found) return cleave::unexpected(std::move(found).error());
    country = *found;
  }
  auto added = db.execute(
      "INSERT INTO customer(id, company, contact, city, country) VALUES(?1, ?2, ?3, ?4, ?5) "
      "ON CONFLICT DO NOTHING",
      command.customer, command.company, command.contact, command.city, country);
  if (!added) return cleave::unexpected(std::move(added).error());
  if (*added == 0)
    return cleave::reject("customer-exists", "there is a customer {} already", command.customer);
  return customer_registered{.customer = command.customer,
                             .company = command.company,
                             .contact = command.contact,
                             .city = command.city,
                             .country = command.country};
}

} // namespace shop
