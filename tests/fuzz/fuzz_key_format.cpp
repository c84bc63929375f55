// First line: a key format; the rest: a key. No text crashes the parser or makes it search for ever, and what a match
// says renders to the key again.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "model/key_format.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace logstone;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  const auto format = KeyFormat::parse(text.substr(0, line));
  if (!format) {
    if (format.error().reason.empty()) std::abort();
    return 0;
  }
  if (line == std::string_view::npos) return 0;
  const std::string key(text.substr(line + 1));
  const std::string parts = "/" + key + "/";
  for (const char* dropped : {"//", "/./", "/../"}) {
    if (parts.find(dropped) != std::string::npos) return 0;
  }
  const KeyMatches matches = format->match(key);
  if (!matches.assignments.empty() && !key.starts_with(format->known_prefix({}))) std::abort();
  for (const TagValues& values : matches.assignments) {
    const auto rendered = format->render(values);
    if (!rendered || *rendered != key) std::abort();
    if (!format->unknown_tags(values).empty()) std::abort();
    if (matches.complete) {
      const auto again = format->match(key, values);
      if (std::find(again.assignments.begin(), again.assignments.end(), values) == again.assignments.end())
        std::abort();
    }
    if (&values - matches.assignments.data() > 20) break;
  }
  return 0;
}
