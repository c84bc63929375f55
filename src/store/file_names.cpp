#include "store/file_names.h"

#include <algorithm>

namespace logstone::filesystem_names {
namespace {

// Filesystems take names of 255 bytes; a mark must fit behind. What is longer is cut well before its end, so that the
// last name never is the "." or ".." that a cut could leave over.
constexpr std::size_t kMaxName = 250;
constexpr std::size_t kCutName = 200;
constexpr std::string_view kEscapedPercent = "%25";

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// Where to cut: whole characters only (some filesystems refuse a name that is not UTF-8), and no escape in two.
std::size_t place_of_cut(std::string_view escaped) {
  std::size_t at = kCutName;
  while (at > 1 && (static_cast<unsigned char>(escaped[at]) & 0xc0) == 0x80) --at;
  for (std::size_t back = 1; back < kEscapedPercent.size(); ++back) {
    if (escaped.substr(at - back, kEscapedPercent.size()) == kEscapedPercent) return at - back;
  }
  return at;
}

}  // namespace

std::vector<std::string> names_of_part(std::string_view part) {
  std::string escaped;
  for (const char c : part) {
    if (c == '%') {
      escaped += kEscapedPercent;
    } else {
      escaped += c;
    }
  }
  std::vector<std::string> names;
  while (escaped.size() > kMaxName) {
    const std::size_t cut = place_of_cut(escaped);
    names.push_back(escaped.substr(0, cut) + std::string(kContinuedMark));
    escaped.erase(0, cut);
  }
  names.push_back(std::move(escaped));
  return names;
}

std::vector<std::string> names_of_key(std::string_view key) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at <= key.size();) {
    const std::size_t end = std::min(key.find('/', at), key.size());
    for (std::string& name : names_of_part(key.substr(at, end - at))) names.push_back(std::move(name));
    at = end + 1;
  }
  return names;
}

EntryName read_name(std::string_view name) {
  EntryName out;
  out.continued = ends_with(name, kContinuedMark);
  out.marked = ends_with(name, kObjectMark);
  if (out.continued || out.marked) name.remove_suffix(kContinuedMark.size());
  for (std::size_t at = 0; at < name.size(); ++at) {
    out.text += name[at];
    if (name.substr(at, kEscapedPercent.size()) == kEscapedPercent) at += kEscapedPercent.size() - 1;
  }
  return out;
}

}  // namespace logstone::filesystem_names
