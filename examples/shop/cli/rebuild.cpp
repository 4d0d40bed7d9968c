// SPDX-License-Identifier: BSL-1.0
#include "cli/rebuild.hpp"

#include "cli/json.hpp"

#include <boost/describe/class.hpp>

#include <chrono>
#include <string>
#include <thread>
#include <utility>

namespace shop {

namespace {

using cleave::rebuild_stage;
using cleave::rebuild_status;
using cleave::rows_compared;

std::string_view to_text(rebuild_stage stage) {
  switch (stage) {
  case rebuild_stage::building: return "building";
  case rebuild_stage::ready: return "ready";
  case rebuild_stage::switched: return "switched";
  case rebuild_stage::clearing: return "clearing";
  default: return "none";
  }
}
std::string_view to_text(rows_compared rows) {
  return rows == rows_compared::same        ? "same"
         : rows == rows_compared::different ? "different"
                                            : "other-shape";
}

struct status_answer {
  std::string stage;
  std::string active;
  std::string beside;
  std::uint64_t events_done = 0;
  std::uint64_t events_total = 0;
  std::optional<std::string> rows; // what a comparison found
};
BOOST_DESCRIBE_STRUCT(status_answer, (), (stage, active, beside, events_done, events_total, rows))

std::string progress_line(rebuild_status const& now) {
  auto line = cleave::format_text("{}: {} of {} events, {}/s", now.beside, now.events_done, now.events_total,
                                  now.events_per_second);
  if (now.left_us) line += cleave::format_text(", {} s left", (*now.left_us + 999'999) / 1'000'000);
  return line;
}

class rebuilding {
public:
  rebuilding(running_shop& shop, bool json, std::ostream& out, std::ostream& complaints, bool watched)
      : versions_(shop.versions_of_open_orders()),
        json_(json),
        out_(out),
        complaints_(complaints),
        watched_(watched) {}

  cleave::result<bool> build() {
    if (versions_.status().stage == rebuild_stage::none) {
      if (auto begun = versions_.begin(); !begun) return cleave::unexpected(std::move(begun).error());
    }
    for (;;) {
      auto const now = versions_.status();
      if (watched_) complaints_ << "\r\x1b[K" << progress_line(now) << std::flush;
      if (!now.failure.empty())
        return cleave::unexpected(cleave::error(cleave::errc::handler_failed, now.failure));
      if (now.stage != rebuild_stage::building) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    if (watched_) complaints_ << "\r\x1b[K" << std::flush;
    auto const compared = versions_.compare();
    if (!compared) return cleave::unexpected(compared.error());
    if (!compared->detail.empty()) complaints_ << compared->detail << '\n';
    auto shown = print(std::string(to_text(compared->rows)));
    if (!shown) return shown;
    return compared->rows == rows_compared::same;
  }
  cleave::result<bool> then_print(cleave::result<void> const& done) {
    if (!done) return cleave::unexpected(done.error());
    return print({});
  }

  // Waits until the rows are gone.
  cleave::result<bool> drop() {
    if (auto dropped = versions_.drop(); !dropped) return cleave::unexpected(std::move(dropped).error());
    for (;;) {
      auto const now = versions_.status();
      if (!now.failure.empty())
        return cleave::unexpected(cleave::error(cleave::errc::handler_failed, now.failure));
      if (now.stage != rebuild_stage::clearing) return print({});
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  auto& versions() { return versions_; }

private:
  cleave::result<bool> print(std::optional<std::string> rows) const {
    auto const now = versions_.status();
    if (json_) {
      auto text = to_json(status_answer{std::string(to_text(now.stage)), now.active, now.beside,
                                        now.events_done, now.events_total, std::move(rows)});
      if (!text) return cleave::unexpected(std::move(text).error());
      out_ << *text << '\n';
      return true;
    }
    out_ << now.active << " answers";
    if (!now.beside.empty())
      out_ << "; beside it: " << progress_line(now) << " (" << to_text(now.stage) << ')';
    if (rows) out_ << "; rows: " << *rows;
    out_ << '\n';
    return true;
  }

  decltype(std::declval<running_shop&>().versions_of_open_orders()) versions_;
  bool json_;
  std::ostream& out_;
  std::ostream& complaints_;
  bool watched_;
};

} // namespace

cleave::result<bool> rebuild(running_shop& shop, arguments const& given, std::ostream& out,
                             std::ostream& complaints, bool watched) {
  rebuilding work(shop, given.json, out, complaints, watched);
  if (given.operand == "build") return work.build();
  if (given.operand == "status") return work.then_print({});
  if (given.operand == "switch") return work.then_print(work.versions().switch_over());
  if (given.operand == "back") return work.then_print(work.versions().roll_back());
  if (given.operand == "drop") return work.drop();
  return cleave::unexpected(cleave::make_error(
      cleave::errc::invalid_argument,
      "rebuild has the steps build, status, switch, back and drop, not \"{}\"", given.operand));
}

} // namespace shop
