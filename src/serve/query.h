// Query strings and path parts, read strictly: what is not understood is named, never ignored.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace logstone::http {

/// Undoes percent-encoding. kInvalidInput for a broken escape and for control characters. In query strings '+' is a
/// blank.
[[nodiscard]] Result<std::string> percent_decode(std::string_view text, bool plus_is_blank);

class Query {
 public:
  /// kInvalidInput names the parameter that is unknown, repeated or malformed.
  [[nodiscard]] static Result<Query> parse(std::string_view query, const std::vector<std::string_view>& known);

  [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
  /// Empty when it is absent.
  [[nodiscard]] std::string text(std::string_view name) const;
  /// `true` or `false`; false when it is absent.
  [[nodiscard]] Result<bool> flag(std::string_view name) const;
  [[nodiscard]] Result<std::optional<std::uint64_t>> number(std::string_view name, std::uint64_t least,
                                                            std::uint64_t most) const;
  /// RFC 3339, or a duration back from `now`.
  [[nodiscard]] Result<std::optional<Timestamp>> time(std::string_view name, Timestamp now) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

/// The Error of a parameter that cannot be used.
[[nodiscard]] Error bad_parameter(std::string_view name, std::string reason, std::string advice = {});

}  // namespace logstone::http
