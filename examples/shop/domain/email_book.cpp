// SPDX-License-Identifier: BSL-1.0
#include "domain/email_book.hpp"

#include <algorithm>

namespace shop {

namespace {

constexpr std::size_t most_bytes = 200; // so that "email:" and the address make a tag

bool is_plain(char c) { return c > ' ' && c < '\x7f'; }

bool looks_like_email(std::string_view text) {
  auto const at = text.find('@');
  return at != 0 && at != std::string_view::npos && at + 1 < text.size() && at == text.rfind('@') &&
         text.size() <= most_bytes && std::ranges::all_of(text, is_plain);
}

template <class Map> std::string value_in(Map const& map, std::string const& key) {
  auto const found = map.find(key);
  return found == map.end() ? std::string() : found->second;
}

} // namespace

std::string plain_email(std::string_view email) {
  // A tag has a length to keep even where the address will be rejected.
  std::string plain(email.substr(0, most_bytes));
  for (char& c : plain) {
    if (!is_plain(c)) c = '?';
    else if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return plain;
}

void email_book::evolve(email_changed const& event) {
  owner.erase(event.old_email);
  owner[event.email] = event.customer;
  email[event.customer] = event.email;
}

cleave::decision<email_changed> email_book::decide(set_email const& command) const {
  if (!customer_is_known)
    return cleave::reject("unknown-customer", "there is no customer {}", command.customer);
  if (!looks_like_email(command.email))
    return cleave::reject("not-an-email", "\"{}\" is no e-mail address", command.email);
  std::string const wanted = plain_email(command.email);
  std::string const taken_by = value_in(owner, wanted);
  if (taken_by == command.customer) return cleave::nothing_happened{};
  if (!taken_by.empty()) return cleave::reject("email-taken", "{} belongs to another customer", wanted);
  return email_changed{
      .customer = command.customer, .email = wanted, .old_email = value_in(email, command.customer)};
}

} // namespace shop
