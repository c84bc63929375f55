#include "cluster/nodefiles/log_position.h"

#include <charconv>
#include <string>
#include <string_view>

namespace logstone {
namespace {

constexpr std::string_view kPrefix = "cri1 ";  // Format and version.

/// Takes a number and the blank after it from the front of `rest`.
template <class T>
bool take(std::string_view& rest, T& value, int base = 10) {
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value, base);
  if (error != std::errc()) return false;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  if (!rest.empty()) {
    if (rest.front() != ' ') return false;
    rest.remove_prefix(1);
  }
  return true;
}

}  // namespace

Cursor to_cursor(const LogPosition& position) {
  char hash[16];
  const auto end = std::to_chars(hash, hash + sizeof hash, position.file.hash, 16).ptr;
  std::string text(kPrefix);
  text.append(hash, end);
  text += ' ' + std::to_string(position.file.head_bytes);
  text += ' ' + std::to_string(position.file.first_time);
  text += ' ' + std::to_string(position.offset);
  if (position.after_cut_off) text += " 1";
  return Cursor{std::move(text)};
}

Result<LogPosition> parse_cursor(const Cursor& cursor) {
  std::string_view rest = cursor.value;
  LogPosition position;
  unsigned cut_off = 0;
  const bool good = rest.starts_with(kPrefix) && (rest.remove_prefix(kPrefix.size()), true) &&
                    take(rest, position.file.hash, 16) && take(rest, position.file.head_bytes) &&
                    take(rest, position.file.first_time) && take(rest, position.offset) &&
                    (rest.empty() || (take(rest, cut_off) && rest.empty() && cut_off <= 1));
  if (!good || position.file.head_bytes == 0 || position.file.head_bytes > LogFileIdentity::kMaxHeadBytes) {
    return Error{ErrorKind::kInvalidInput, "read log cursor", "\"" + cursor.value.substr(0, 80) + "\"",
                 "it is not a place in a node's log files",
                 "Capture this stream with the kind of cluster and the version that captured it first."};
  }
  position.after_cut_off = cut_off == 1;
  return position;
}

}  // namespace logstone
