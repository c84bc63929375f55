#include "serve/query.h"

#include <algorithm>
#include <charconv>

namespace logstone::http {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string join(const std::vector<std::string_view>& names) {
  std::string out;
  for (std::string_view name : names) {
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

}  // namespace

Error bad_parameter(std::string_view name, std::string reason, std::string advice) {
  return Error{ErrorKind::kInvalidInput, "read query parameter", "`" + std::string(name) + "`", std::move(reason),
               std::move(advice)};
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return Error{ErrorKind::kInvalidInput, "read", "`" + std::string(text.substr(0, 100)) + "`",
                     "a % is not followed by two hexadecimal digits", "Write a literal % as %25."};
      }
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_blank) {
      c = ' ';
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return Error{ErrorKind::kInvalidInput,
                   "read",
                   "`" + std::string(text.substr(0, 100)) + "`",
                   "it holds a control character",
                   {}};
    }
    out += c;
  }
  return out;
}

Result<Query> Query::parse(std::string_view query, const std::vector<std::string_view>& known) {
  Query out;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const bool dangling = end == query.size() - 1;
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    const std::size_t equals = pair.find('=');
    auto name = percent_decode(pair.substr(0, equals), true);
    if (!name) return name.error();
    if (pair.empty() || dangling) {
      return Error{ErrorKind::kInvalidInput, "read", "the query string", "there is an empty parameter in it",
                   "Remove the `&` that stands alone."};
    }
    if (std::find(known.begin(), known.end(), *name) == known.end()) {
      return bad_parameter(*name, "there is no such parameter here",
                           known.empty() ? "This path takes none." : "Known: " + join(known) + ".");
    }
    if (equals == std::string_view::npos) {
      return bad_parameter(*name, "it has no value", "Write `" + *name + "=...`.");
    }
    auto value = percent_decode(pair.substr(equals + 1), true);
    if (!value) return bad_parameter(*name, value.error().reason, value.error().advice);
    if (!out.values_.emplace(*name, *std::move(value)).second) return bad_parameter(*name, "it is given twice");
  }
  return out;
}

std::string Query::text(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string() : found->second;
}

Result<bool> Query::flag(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end() || found->second == "false") return false;
  if (found->second == "true") return true;
  return bad_parameter(name, "`" + found->second + "` is neither true nor false");
}

Result<std::optional<std::uint64_t>> Query::number(std::string_view name, std::uint64_t least,
                                                   std::uint64_t most) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::optional<std::uint64_t>();
  const std::string& text = found->second;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= least && value <= most) return {value};
  std::string wanted = "Give a whole number of at least " + std::to_string(least);
  if (most != UINT64_MAX) wanted += " and at most " + std::to_string(most);
  return bad_parameter(name, "`" + text + "` is not a number in its range", wanted + ".");
}

Result<std::optional<Timestamp>> Query::time(std::string_view name, Timestamp now) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::optional<Timestamp>();
  std::string text = found->second;
  // An offset's '+' that nobody percent-encoded has become a blank.
  std::replace(text.begin(), text.end(), ' ', '+');
  if (auto time = parse_rfc3339(text)) return {*time};
  if (auto back = parse_duration(text)) return {now - *back};
  return bad_parameter(name, "`" + text + "` is neither a time nor a duration",
                       "Give RFC 3339 (2026-11-25T09:30:00Z) or a duration back from now (90d, 1h30m, 5s).");
}

}  // namespace logstone::http
