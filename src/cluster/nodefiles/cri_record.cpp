#include "cluster/nodefiles/cri_record.h"

#include <chrono>
#include <cstring>

#include "base/time.h"

namespace logstone {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr int kFirstYear = 1678;  // The whole years that 64-bit nanoseconds reach, in UTC.
constexpr int kLastYear = 2261;
constexpr std::int64_t start_of_year(int year) {
  return std::chrono::sys_days(std::chrono::year(year) / 1 / 1).time_since_epoch().count() * 86'400 * kSecond;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The number of `count` digits at `at`, or -1.
int digits(const char* at, int count) {
  int value = 0;
  for (int i = 0; i < count; ++i) {
    if (!is_digit(at[i])) return -1;
    value = value * 10 + (at[i] - '0');
  }
  return value;
}

}  // namespace

bool CriRecordParser::take_minute(std::string_view text) {
  if (std::memcmp(text.data(), minute_text_.data(), kMinuteBytes) == 0) return true;
  const char* at = text.data();
  const int year = digits(at, 4), month = digits(at + 5, 2), day = digits(at + 8, 2);
  const int hour = digits(at + 11, 2), minute = digits(at + 14, 2);
  if (at[4] != '-' || at[7] != '-' || at[10] != 'T' || at[13] != ':' || at[16] != ':') return false;
  if (year < kFirstYear || year > kLastYear || month < 1 || day < 1) return false;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return false;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return false;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  minute_ = ((days * 24 + hour) * 60 + minute) * 60 * kSecond;
  std::memcpy(minute_text_.data(), at, kMinuteBytes);
  return true;
}

std::optional<LogPiece> CriRecordParser::parse(std::string_view line) {
  constexpr std::size_t kShortest = 30;  // "2026-11-25T09:30:00Z stdout F "
  if (line.size() + 1 < kShortest || !take_minute(line)) return std::nullopt;
  const char* at = line.data() + kMinuteBytes;
  const char* const end = line.data() + line.size();

  const int seconds = digits(at, 2);
  if (seconds < 0 || seconds > 59) return std::nullopt;
  at += 2;
  std::int64_t nanoseconds = 0;
  if (*at == '.') {
    std::int64_t unit = kSecond;
    const char* const first = ++at;
    for (; at != end && is_digit(*at); ++at) {
      unit /= 10;
      nanoseconds += (*at - '0') * unit;
    }
    if (at == first || at == end) return std::nullopt;
  }
  std::int64_t offset_minutes = 0;
  if (*at == 'Z') {
    ++at;
  } else {
    if ((*at != '+' && *at != '-') || end - at < 6 || at[3] != ':') return std::nullopt;
    const int hours = digits(at + 1, 2), minutes = digits(at + 4, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
    offset_minutes = (*at == '-' ? -1 : 1) * (hours * 60 + minutes);
    at += 6;
  }

  constexpr std::size_t kOutputBytes = 8;  // " stdout "
  if (end - at < static_cast<std::ptrdiff_t>(kOutputBytes + 1)) return std::nullopt;
  LogPiece piece;
  if (std::memcmp(at, " stdout ", kOutputBytes) == 0) {
    piece.output = Output::kStdout;
  } else if (std::memcmp(at, " stderr ", kOutputBytes) == 0) {
    piece.output = Output::kStderr;
  } else {
    return std::nullopt;
  }
  at += kOutputBytes;

  if (*at != 'F' && *at != 'P') return std::nullopt;
  piece.ends_line = *at == 'F';
  ++at;
  if (at != end && *at == ':') {  // More tags may follow the first, divided by colons; none has a meaning yet.
    at = static_cast<const char*>(std::memchr(at, ' ', static_cast<std::size_t>(end - at)));
    if (at == nullptr) at = end;
  }
  if (at != end && *at++ != ' ') return std::nullopt;
  piece.text = std::string_view(at, static_cast<std::size_t>(end - at));
  const std::int64_t time = minute_ + seconds * kSecond + nanoseconds - offset_minutes * 60 * kSecond;
  if (time < start_of_year(kFirstYear) || time >= start_of_year(kLastYear + 1)) return std::nullopt;
  piece.time = from_unix_nanoseconds(time);
  return piece;
}

Result<LogPiece> parse_cri_record(std::string_view line) {
  if (auto piece = CriRecordParser().parse(line)) return *piece;
  constexpr std::size_t kShown = 60;
  std::string shown;
  for (const char c : line.substr(0, kShown)) shown += c >= ' ' && c <= '~' ? c : '?';
  if (line.size() > kShown) shown += "...";
  return Error{ErrorKind::kCorrupt, "parse log record", "\"" + shown + "\"",
               "it is not `<RFC 3339 time> <stdout|stderr> <F|P> <text>`",
               "Logs must be written in the CRI format, as containerd and CRI-O do."};
}

void append_cri_record(std::string& out, const LogPiece& piece) {
  out += format_rfc3339_nano(piece.time);
  out += piece.output == Output::kStdout ? " stdout " : " stderr ";
  out += piece.ends_line ? "F " : "P ";
  out += piece.text;
  out += '\n';
}

}  // namespace logstone
