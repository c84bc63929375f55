// A value or the reason why there is none.
#pragma once

#include <tl/expected.hpp>

#include "base/error.h"

namespace logstone {

/// Either a T or an Error. An `Error` converts to it, so `return Error{...};` fails a function.
template <class T = void>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(tl::expected<T, Error> other) : tl::expected<T, Error>(std::move(other)) {}
  Result(Error error) : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}
};

template <>
class [[nodiscard]] Result<void> : public tl::expected<void, Error> {
 public:
  using tl::expected<void, Error>::expected;
  Result() = default;
  Result(tl::expected<void, Error> other) : tl::expected<void, Error>(std::move(other)) {}
  Result(Error error) : tl::expected<void, Error>(tl::unexpect, std::move(error)) {}
};

}  // namespace logstone

/// Returns the error of `expression` from the enclosing function, or assigns its value to `target`.
#define LOGSTONE_CONCAT_INNER(a, b) a##b
#define LOGSTONE_CONCAT(a, b) LOGSTONE_CONCAT_INNER(a, b)
#define LOGSTONE_ASSIGN(target, expression) LOGSTONE_ASSIGN_IMPL(LOGSTONE_CONCAT(result_, __LINE__), target, expression)
#define LOGSTONE_ASSIGN_IMPL(holder, target, expression) \
  auto holder = (expression);                            \
  if (!holder) return std::move(holder).error();         \
  target = *std::move(holder)
/// Returns the error of `expression` from the enclosing function, if it failed.
#define LOGSTONE_TRY(expression)                                 \
  do {                                                           \
    auto result_of_try = (expression);                           \
    if (!result_of_try) return std::move(result_of_try).error(); \
  } while (false)
