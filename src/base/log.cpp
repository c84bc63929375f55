#include "base/log.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "base/time.h"

namespace logstone {
namespace {

std::atomic<LogLevel> level_wanted{LogLevel::kInfo};

const char* word(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

/// Control characters would break the line, or the terminal of the person who reads it.
void append_escaped(std::string& out, std::string_view text, bool in_quotes) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    } else {
      if (in_quotes && (c == '"' || c == '\\')) out += '\\';
      out += c;
    }
  }
}

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" \t\r\n\"=") != std::string_view::npos;
}

}  // namespace

void set_log_level(LogLevel level) { level_wanted.store(level, std::memory_order_relaxed); }

void log_message(LogLevel level, std::string_view text, LogFields fields) {
  if (level < level_wanted.load(std::memory_order_relaxed)) return;
  std::string line = format_rfc3339_nano(Clock::system().now());
  line.replace(23, line.size() - 23, "Z ");  // Milliseconds are enough for people.
  line += word(level);
  line += ' ';
  append_escaped(line, text, false);
  for (const auto& [key, value] : fields) {
    line += ' ';
    line += key;
    line += '=';
    const bool quotes = needs_quotes(value);
    if (quotes) line += '"';
    append_escaped(line, value, quotes);
    if (quotes) line += '"';
  }
  line += '\n';
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // Nobody is left to tell.
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace logstone
