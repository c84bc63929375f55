#include "cli/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "base/time.h"

namespace logstone::cli {
namespace {

/// Characters as a terminal counts them, near enough: UTF-8 continuation bytes take no room.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::atomic<int> failure = 0;

}  // namespace

bool use_colours() {
  static const bool use = ::isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  return use;
}

std::string coloured(std::string_view text, Colour colour) {
  static constexpr const char* kCodes[] = {"", "\033[32m", "\033[31m", "\033[33m", "\033[34m", "\033[90m"};
  if (colour == Colour::kPlain || !use_colours()) return std::string(text);
  return kCodes[static_cast<int>(colour)] + std::string(text) + "\033[0m";
}

Colour phase_colour(std::string_view phase) {
  if (phase == "Succeeded") return Colour::kGreen;
  if (phase == "Failed" || phase == "Error") return Colour::kRed;
  if (phase == "Running") return Colour::kBlue;
  return phase == "Pending" ? Colour::kYellow : Colour::kGrey;
}

std::string Table::text(std::optional<std::size_t> phase_column) const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    const auto& row = rows_[r];
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += r > 0 && phase_column == i ? coloured(row[i], phase_colour(row[i])) : row[i];
      if (i + 1 < row.size()) out.append(widths[i] - width(row[i]) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

std::string age_of(const std::string& rfc3339) {
  const auto time = parse_rfc3339(rfc3339);
  if (!time) return "-";
  const auto seconds =
      std::max<long long>(0, std::chrono::duration_cast<std::chrono::seconds>(Clock::system().now() - *time).count());
  if (seconds < 120) return std::to_string(seconds) + "s";
  if (seconds < 120 * 60) return std::to_string(seconds / 60) + "m";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86400) + "d";
}

std::string human_size(unsigned long long bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text;
}

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = c == '\n' || c == '\t' ? ' ' : '?';
  }
  return out;
}

bool write_out(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) {
      // `logstone logs ... | head` is no failure; a full disk behind a redirection is.
      if (errno != EPIPE) failure = errno;
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

int output_failure() { return failure; }

}  // namespace logstone::cli
