// SPDX-License-Identifier: BSL-1.0
// A prepared SQL statement: values are bound by place, rows come back with the types that the program asks for.
//
// C++ to SQL: bool and integers to INTEGER, floating point to REAL, everything that converts to std::string_view to TEXT, what
// converts to std::span<std::byte const> to BLOB, uuid and the ids of cleave to BLOB of 16 bytes, std::optional to its value or
// NULL, nullptr and std::nullopt to NULL.
// SQL to C++: the same, and strict: a text is no number, NULL is only for std::optional, an integer that does not fit is an
// error. Only a REAL column may also hold an integer. std::string_view and std::span<std::byte const> are valid until the next
// step() or reset().
#pragma once

#include <cleave/base/id.hpp>
#include <cleave/base/result.hpp>
#include <cleave/sqlite/fwd.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace cleave::sqlite {

namespace detail {

struct connection;

template <class T> inline constexpr bool is_optional = false;
template <class T> inline constexpr bool is_optional<std::optional<T>> = true;
template <class T> inline constexpr bool is_id = false;
template <class Tag> inline constexpr bool is_id<basic_id<Tag>> = true;
template <class> inline constexpr bool no_sql_type = false;

// The parameters of a function object that takes one row: those of its call operator.
template <class F> struct row_columns : row_columns<decltype(&F::operator())> {};
template <class R, class... Columns> struct row_columns<R (*)(Columns...)> {
  using type = std::tuple<std::remove_cvref_t<Columns>...>;
};
template <class R, class F, class... Columns> struct row_columns<R (F::*)(Columns...)>
    : row_columns<R (*)(Columns...)> {};
template <class R, class F, class... Columns>
struct row_columns<R (F::*)(Columns...) const> : row_columns<R (*)(Columns...)> {};
template <class R, class F, class... Columns>
struct row_columns<R (F::*)(Columns...) noexcept> : row_columns<R (*)(Columns...)> {};
template <class R, class F, class... Columns>
struct row_columns<R (F::*)(Columns...) const noexcept> : row_columns<R (*)(Columns...)> {};

} // namespace detail

// Made by database::prepare; must be destroyed before its database. One thread at a time, the same that uses the database.
class statement {
public:
  statement(statement&& other) noexcept
      : owner_(std::exchange(other.owner_, nullptr)), handle_(std::exchange(other.handle_, nullptr)) {}
  statement& operator=(statement other) noexcept {
    std::swap(owner_, other.owner_);
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~statement() {
    if (owner_ != nullptr) give_back();
  }

  // Starts over and binds all parameters, ?1 first. Texts and blobs are not copied: they must live until the next bind() or
  // reset(). errc::invalid_argument when there are more or fewer than the SQL has.
  template <class... Values> result<void> bind(Values const&... values) {
    if (auto ready = begin_bind(sizeof...(Values)); !ready) return ready;
    int place = 0;
    bool const good = (bind_value(++place, values) && ...);
    return good ? result<void>() : bind_failure(place);
  }

  // Runs to the next row: true, or to the end: false.
  result<bool> step();
  // Runs to the end and gives up the rows.
  result<void> run();
  // Ends the run, keeps what is bound. Needed before the transaction around an unfinished query can end.
  void reset() noexcept;

  int columns() const noexcept;
  // The value of a column of the current row, first 0.
  template <class T> result<T> column(int place) const {
    T value{};
    if (!read(value_at(place), value)) return unexpected(column_failure(place, type_name<T>()));
    return value;
  }
  template <class... Columns> result<std::tuple<Columns...>> row() const {
    std::tuple<Columns...> values;
    if (auto good = read_row(values); !good) return unexpected(std::move(good).error());
    return values;
  }

  // Calls f(columns...) for every row; the parameters of f say the types. f returns void, bool (false: no more rows), or
  // result<void> (an error ends the query and is returned).
  template <class F> result<void> each(F&& f) {
    using columns_type = typename detail::row_columns<std::remove_cvref_t<F>>::type;
    using returned = decltype(std::apply(f, std::declval<columns_type&>()));
    for (;;) {
      auto more = step();
      if (!more) return unexpected(std::move(more).error());
      if (!*more) return {};
      columns_type values;
      if (auto good = read_row(values); !good) return good;
      if constexpr (std::is_void_v<returned>) {
        std::apply(f, values);
      } else if constexpr (std::same_as<returned, bool>) {
        if (!std::apply(f, values)) return reset(), result<void>();
      } else {
        if (result<void> good = std::apply(f, values); !good) return reset(), good;
      }
    }
  }

  // For experts: the statement itself, still owned by this object.
  sqlite3_stmt* handle() const noexcept { return handle_; }

private:
  friend class database;
  statement(detail::connection* owner, sqlite3_stmt* handle) noexcept : owner_(owner), handle_(handle) {}

  result<void> begin_bind(std::size_t values);
  result<void> bind_failure(int place);
  bool bind_null(int place) noexcept;
  bool bind_integer(int place, std::int64_t value) noexcept;
  bool bind_real(int place, double value) noexcept;
  bool bind_text(int place, std::string_view value) noexcept;
  bool bind_blob(int place, std::span<std::byte const> value) noexcept;

  template <class T> bool bind_value(int place, T const& value) noexcept {
    if constexpr (std::same_as<T, std::nullptr_t> || std::same_as<T, std::nullopt_t>) return bind_null(place);
    else if constexpr (detail::is_optional<T>) return value ? bind_value(place, *value) : bind_null(place);
    else if constexpr (std::same_as<T, bool>) return bind_integer(place, value ? 1 : 0);
    else if constexpr (std::integral<T>)
      return std::in_range<std::int64_t>(value) && bind_integer(place, static_cast<std::int64_t>(value));
    else if constexpr (std::floating_point<T>) return bind_real(place, static_cast<double>(value));
    else if constexpr (std::convertible_to<T const&, std::string_view>)
      return bind_text(place, std::string_view(value));
    else if constexpr (std::convertible_to<T const&, std::span<std::byte const>>)
      return bind_blob(place, std::span<std::byte const>(value));
    else if constexpr (std::same_as<T, uuid>)
      return bind_blob(place, std::as_bytes(std::span(value.bytes())));
    else if constexpr (detail::is_id<T>) return bind_value(place, value.id());
    else
      static_assert(detail::no_sql_type<T>,
                    "cleave: this type has no SQL type: bind an integer, a floating-point number, a text, "
                    "bytes, an id, or an std::optional of one");
  }

  sqlite3_value* value_at(int place) const noexcept;
  static bool is_null(sqlite3_value* from) noexcept;
  static bool read_integer(sqlite3_value* from, std::int64_t& value) noexcept;
  static bool read_real(sqlite3_value* from, double& value) noexcept;
  static bool read_text(sqlite3_value* from, std::string_view& value) noexcept;
  static bool read_blob(sqlite3_value* from, std::span<std::byte const>& value) noexcept;
  static bool read_uuid(sqlite3_value* from, uuid& value) noexcept;
  error column_failure(int place, std::string_view wanted) const;
  error width_failure(std::size_t wanted) const;

  template <class T> static constexpr std::string_view type_name() noexcept {
    if constexpr (detail::is_optional<T>) return type_name<typename T::value_type>();
    else if constexpr (std::same_as<T, bool>) return "a boolean (0 or 1)";
    else if constexpr (std::integral<T>) return "an integer that fits";
    else if constexpr (std::floating_point<T>) return "a number";
    else if constexpr (std::same_as<T, std::string> || std::same_as<T, std::string_view>) return "a text";
    else if constexpr (std::same_as<T, uuid> || detail::is_id<T>) return "an id of 16 bytes";
    else return "a blob";
  }

  template <class T> static bool read(sqlite3_value* from, T& value) {
    if constexpr (detail::is_optional<T>) {
      if (is_null(from)) return value.reset(), true;
      return read(from, value.emplace());
    } else if constexpr (std::same_as<T, bool>) {
      std::int64_t wide = 0;
      return read_integer(from, wide) && (wide == 0 || wide == 1) && (value = wide != 0, true);
    } else if constexpr (std::integral<T>) {
      std::int64_t wide = 0;
      return read_integer(from, wide) && std::in_range<T>(wide) && (value = static_cast<T>(wide), true);
    } else if constexpr (std::floating_point<T>) {
      double wide = 0;
      return read_real(from, wide) && (value = static_cast<T>(wide), true);
    } else if constexpr (std::same_as<T, std::string_view>) {
      return read_text(from, value);
    } else if constexpr (std::same_as<T, std::string>) {
      std::string_view view;
      return read_text(from, view) && (value = view, true);
    } else if constexpr (std::same_as<T, std::span<std::byte const>>) {
      return read_blob(from, value);
    } else if constexpr (std::same_as<T, std::vector<std::byte>>) {
      std::span<std::byte const> view;
      return read_blob(from, view) && (value.assign(view.begin(), view.end()), true);
    } else if constexpr (std::same_as<T, uuid>) {
      return read_uuid(from, value);
    } else if constexpr (detail::is_id<T>) {
      uuid id;
      return read_uuid(from, id) && (value = T(id), true);
    } else {
      static_assert(detail::no_sql_type<T>,
                    "cleave: a column cannot be read as this type: use an integer, a floating-point number, "
                    "std::string, std::string_view, bytes, an id, or an std::optional of one");
    }
  }

  template <class... Columns> result<void> read_row(std::tuple<Columns...>& values) const {
    if (columns() != static_cast<int>(sizeof...(Columns)))
      return unexpected(width_failure(sizeof...(Columns)));
    return [&]<std::size_t... I>(std::index_sequence<I...>) -> result<void> {
      int failed = -1;
      std::string_view wanted;
      bool const good = (... && (read(value_at(static_cast<int>(I)), std::get<I>(values)) ||
                                 (failed = static_cast<int>(I), wanted = type_name<Columns>(), false)));
      if (!good) return unexpected(column_failure(failed, wanted));
      return {};
    }(std::index_sequence_for<Columns...>());
  }

  void give_back() noexcept;

  detail::connection* owner_;
  sqlite3_stmt* handle_;
};

} // namespace cleave::sqlite
