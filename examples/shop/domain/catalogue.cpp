// SPDX-License-Identifier: BSL-1.0
#include "domain/catalogue.hpp"

#include "domain/order.hpp"

#include <optional>

namespace shop {

namespace {

std::optional<cleave::rejection> check_price(std::int64_t product, std::int64_t cents) {
  if (cents < 0) return cleave::reject("negative-price", "product {} cannot cost {} cents", product, cents);
  if (cents > max_price_cents) {
    return cleave::reject("price-too-high", "product {} cannot cost {} cents, {} is the limit", product,
                          cents, max_price_cents);
  }
  return std::nullopt;
}

} // namespace

cleave::result<cleave::decision<product_added>> catalogue::handle(add_product const& command,
                                                                  cleave::sqlite::transaction& in) {
  if (command.name.empty()) return cleave::reject("empty-name", "product {} needs a name", command.product);
  if (auto refused = check_price(command.product, command.price_cents)) return std::move(*refused);

  auto& db = in.db();
  auto added = db.execute("INSERT INTO product(id, name) VALUES(?1, ?2) ON CONFLICT DO NOTHING",
                          command.product, command.name);
  if (!added) return cleave::unexpected(std::move(added).error());
  if (*added == 0) return cleave::reject("product-exists", "there is a product {} already", command.product);
  auto priced = db.execute("INSERT INTO price(product, revision, cents) VALUES(?1, 1, ?2)", command.product,
                           command.price_cents);
  if (!priced) return cleave::unexpected(std::move(priced).error());
  return product_added{.product = command.product, .name = command.name, .price_cents = command.price_cents};
}

cleave::result<cleave::decision<price_changed>> catalogue::handle(change_price const& command,
                                                                  cleave::sqlite::transaction& in) {
  auto& db = in.db();
  auto today = db.first<std::int64_t, std::int64_t>(
      "SELECT revision, cents FROM price WHERE product = ?1 ORDER BY revision DESC LIMIT 1", command.product);
  if (!today) return cleave::unexpected(std::move(today).error());
  if (!*today) return cleave::reject("unknown-product", "there is no product {}", command.product);
  if (auto refused = check_price(command.product, command.price_cents)) return std::move(*refused);
  auto const [revision, cents] = **today;
  if (cents == command.price_cents) return cleave::nothing_happened{};

  auto priced = db.execute("INSERT INTO price(product, revision, cents) VALUES(?1, ?2, ?3)", command.product,
                           revision + 1, command.price_cents);
  if (!priced) return cleave::unexpected(std::move(priced).error());
  return price_changed{
      .product = command.product, .old_price_cents = cents, .price_cents = command.price_cents};
}

} // namespace shop
