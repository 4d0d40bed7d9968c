// SPDX-License-Identifier: BSL-1.0
// Golden files: what released versions wrote stays readable. A folder holds one file for each stored event name,
// "order-placed.v1.json", with one document on each line: every form in which that event was ever written, the newest last.
// A file's lines are never changed and never removed; when a field is added to the event, a line is added to its file.
//
//   cleave_golden::folder golden(CLEAVE_GOLDEN_DIR);
//   golden.event(order_placed{...}, order_placed{...});   // the expected value of each line
//   REQUIRE(golden.complaints() == std::vector<std::string>());
#pragma once

#include <cleave/event/codec.hpp>
#include <cleave/event/event_name.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace cleave_golden {

class folder {
public:
  explicit folder(std::filesystem::path path) : path_(std::move(path)) {}

  // Checks the file of E: line i decodes to the i-th value, and the last line is what the codec writes today. Values are
  // compared by what the codec writes, so that an event needs no operator==.
  template <class E, class... More> void event(E const& first, More const&... more) {
    std::string const name(cleave::event_name_of<E>());
    known_.push_back(name + ".json");
    std::ifstream file(path_ / known_.back());
    if (!file) return complain(name, "has no golden file");
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    std::vector<E> const values{first, more...};
    if (lines.size() != values.size()) {
      return complain(name, std::to_string(lines.size()) + " lines, " + std::to_string(values.size()) +
                                " expected values");
    }
    for (std::size_t i = 0; i < lines.size(); ++i)
      check_line(name + " line " + std::to_string(i + 1), lines[i], values[i]);
    if (!lines.empty() && written(values.back()) != lines.back()) {
      complain(name, "is written as " + written(values.back()) + " today: add that line to its file");
    }
  }

  // What is wrong; also each file that no type reads. Call it last.
  std::vector<std::string> complaints() {
    std::error_code missing;
    for (auto const& entry : std::filesystem::directory_iterator(path_, missing)) {
      std::string const file = entry.path().filename().string();
      if (entry.path().extension() != ".json") continue;
      if (std::find(known_.begin(), known_.end(), file) == known_.end())
        complain(file, "has no type that reads it");
    }
    if (missing) complain(path_.string(), "cannot be listed");
    return complaints_;
  }

private:
  template <class E> void check_line(std::string const& where, std::string const& line, E const& expected) {
    auto const read = cleave::codec<E>::decode(line);
    if (!read) return complain(where, read.error().text());
    if (written(*read) != written(expected))
      complain(where, "reads as " + written(*read) + ", not " + written(expected));
  }
  template <class E> std::string written(E const& value) {
    std::string out;
    if (auto done = cleave::codec<E>::encode(value, out); !done) return done.error().text();
    return out;
  }
  void complain(std::string const& where, std::string const& what) {
    complaints_.push_back(where + ": " + what);
  }

  std::filesystem::path path_;
  std::vector<std::string> known_;
  std::vector<std::string> complaints_;
};

} // namespace cleave_golden
