#include "serve/negotiation.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "serve/wire_format.h"

namespace logstone::http {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Digits only; numbers beyond 64 bits count as the largest.
std::optional<std::uint64_t> digits(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? value : UINT64_MAX;
}

/// Thousandths; 0 for what is not a weight.
int weight(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::size_t end = parameters.find(';');
    const std::string_view one = trim(parameters.substr(0, end));
    parameters.remove_prefix(end == std::string_view::npos ? parameters.size() : end + 1);
    if (one.size() < 2 || (one[0] != 'q' && one[0] != 'Q') || one[1] != '=') continue;
    const std::string_view value = one.substr(2);
    if (value.empty() || (value[0] != '0' && value[0] != '1') || (value.size() > 1 && value[1] != '.')) return 0;
    int out = (value[0] - '0') * 1000;
    int scale = 100;
    for (std::size_t i = 2; i < value.size(); ++i, scale /= 10) {
      if (value[i] < '0' || value[i] > '9') return 0;
      out += (value[i] - '0') * scale;
    }
    return std::min(out, 1000);
  }
  return 1000;
}

}  // namespace

ByteRange choose_range(std::string_view header, std::uint64_t size) {
  const ByteRange whole{ByteRange::Kind::kWhole, 0, size};
  const std::size_t equals = header.find('=');
  if (equals == std::string_view::npos || lower_case(trim(header.substr(0, equals))) != "bytes") return whole;
  const std::string_view spec = trim(header.substr(equals + 1));
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return whole;
  const std::string_view left = trim(spec.substr(0, dash));
  const std::string_view right = trim(spec.substr(dash + 1));
  const auto first = digits(left);
  const auto last = digits(right);
  if ((!left.empty() && !first) || (!right.empty() && !last) || (!first && !last)) return whole;
  if (!first) {
    if (*last == 0 || size == 0) return {ByteRange::Kind::kUnsatisfiable, 0, 0};
    return {ByteRange::Kind::kPart, size - std::min(size, *last), size};
  }
  if (last && *last < *first) return whole;
  if (*first >= size) return {ByteRange::Kind::kUnsatisfiable, 0, 0};
  return {ByteRange::Kind::kPart, *first, last && *last < size ? *last + 1 : size};
}

Encoding choose_encoding(std::string_view header) {
  Encoding best = Encoding::kIdentity;
  int best_weight = 0;
  while (!header.empty()) {
    const std::size_t end = header.find(',');
    const std::string_view one = trim(header.substr(0, end));
    header.remove_prefix(end == std::string_view::npos ? header.size() : end + 1);
    const std::size_t semicolon = one.find(';');
    const std::string name = lower_case(trim(one.substr(0, semicolon)));
    const int q = semicolon == std::string_view::npos ? 1000 : weight(one.substr(semicolon + 1));
    const Encoding encoding = name == "zstd"                       ? Encoding::kZstd
                              : name == "gzip" || name == "x-gzip" ? Encoding::kGzip
                                                                   : Encoding::kIdentity;
    if (encoding == Encoding::kIdentity || q == 0) continue;
    if (q > best_weight || (q == best_weight && encoding == Encoding::kZstd)) {
      best = encoding;
      best_weight = q;
    }
  }
  return best;
}

}  // namespace logstone::http
