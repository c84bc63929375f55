#include "base/time.h"

#include <array>
#include <atomic>
#include <limits>

namespace logstone {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;

Error bad_time(std::string_view text, std::string reason) {
  return Error{ErrorKind::kInvalidInput, "read time", '"' + std::string(text.substr(0, 64)) + '"', std::move(reason),
               "Write it like 2026-11-25T09:30:00Z."};
}

Error bad_duration(std::string_view text, std::string reason) {
  return Error{ErrorKind::kInvalidInput, "read duration", '"' + std::string(text.substr(0, 64)) + '"',
               std::move(reason), "Write it like 90d, 1h30m, 5s or 250ms."};
}

/// Reads exactly `count` digits at `at`; -1 where there are none.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

void put_digits(char* out, std::int64_t value, int count) {
  for (int i = count - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

/// Writes "YYYY-MM-DDThh:mm:ss"; returns the nanoseconds beyond it.
std::int64_t put_seconds(char* out, Timestamp time) {
  const std::int64_t total = to_unix_nanoseconds(time);
  std::int64_t nanos = total % kNanosPerSecond;
  std::int64_t seconds = total / kNanosPerSecond;
  if (nanos < 0) {
    nanos += kNanosPerSecond;
    --seconds;
  }
  std::int64_t day = seconds / kSecondsPerDay;
  std::int64_t of_day = seconds % kSecondsPerDay;
  if (of_day < 0) {
    of_day += kSecondsPerDay;
    --day;
  }
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  put_digits(out, static_cast<int>(date.year()), 4);
  out[4] = '-';
  put_digits(out + 5, static_cast<unsigned>(date.month()), 2);
  out[7] = '-';
  put_digits(out + 8, static_cast<unsigned>(date.day()), 2);
  out[10] = 'T';
  put_digits(out + 11, of_day / 3600, 2);
  out[13] = ':';
  put_digits(out + 14, of_day / 60 % 60, 2);
  out[16] = ':';
  put_digits(out + 17, of_day % 60, 2);
  return nanos;
}

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};
constexpr std::array<Unit, 8> kUnits{{{"w", 7 * kSecondsPerDay* kNanosPerSecond},
                                      {"d", kSecondsPerDay* kNanosPerSecond},
                                      {"h", 3600 * kNanosPerSecond},
                                      {"m", 60 * kNanosPerSecond},
                                      {"s", kNanosPerSecond},
                                      {"ms", 1'000'000},
                                      {"us", 1'000},
                                      {"ns", 1}}};

std::int64_t unit_nanoseconds(std::string_view name) {
  if (name == "\u00b5s" || name == "\u03bcs") name = "us";  // Go writes the micro sign, and reads the Greek letter too.
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return unit.nanoseconds;
  }
  return 0;
}

class SystemClock final : public Clock {
 public:
  Timestamp now() const override { return std::chrono::time_point_cast<Nanoseconds>(std::chrono::system_clock::now()); }
};

}  // namespace

std::string format_rfc3339_nano(Timestamp time) {
  std::string out(30, 'Z');
  const std::int64_t nanos = put_seconds(out.data(), time);
  out[19] = '.';
  put_digits(out.data() + 20, nanos, 9);
  return out;
}

std::string format_rfc3339(Timestamp time) {
  std::string out(20, 'Z');
  put_seconds(out.data(), time);
  return out;
}

Result<Timestamp> parse_rfc3339(std::string_view text) {
  const int year = digits(text, 0, 4);
  const int month = digits(text, 5, 2);
  const int day = digits(text, 8, 2);
  const int hour = digits(text, 11, 2);
  const int minute = digits(text, 14, 2);
  const int second = digits(text, 17, 2);
  if (year < 0 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0 || text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':') {
    return bad_time(text, "not an RFC 3339 time");
  }
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return bad_time(text, "no such day");
  // A leap second is the first instant of the next minute: the Unix scale has no other place for it.
  if (hour > 23 || minute > 59 || second > 60) return bad_time(text, "no such time of day");

  std::size_t at = 19;
  std::int64_t nanos = 0;
  if (at < text.size() && text[at] == '.') {
    const std::size_t first = ++at;
    std::int64_t scale = kNanosPerSecond / 10;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9' && at - first < 9) {
      nanos += (text[at++] - '0') * scale;
      scale /= 10;
    }
    if (at == first) return bad_time(text, "no digits after the point");
    if (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      return bad_time(text, "more than nine digits after the point");
    }
  }
  std::int64_t offset = 0;
  if (at < text.size() && (text[at] == 'Z' || text[at] == 'z')) {
    ++at;
  } else if (at < text.size() && (text[at] == '+' || text[at] == '-')) {
    const int hours = digits(text, at + 1, 2);
    const int minutes = digits(text, at + 4, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || text[at + 3] != ':') {
      return bad_time(text, "no such offset from UTC");
    }
    offset = (hours * 3600 + minutes * 60) * (text[at] == '-' ? -1 : 1);
    at += 6;
  } else {
    return bad_time(text, "no offset from UTC (Z or +01:00) at its end");
  }
  if (at != text.size()) return bad_time(text, "something follows the time");

  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  const std::int64_t seconds = days * kSecondsPerDay + hour * 3600 + minute * 60 + second - offset;
  std::int64_t total = 0;
  // Before 1970 the seconds are rounded down, so they may be out of range where the sum is not.
  const bool negative = seconds < 0;
  if (__builtin_mul_overflow(negative ? seconds + 1 : seconds, kNanosPerSecond, &total) ||
      __builtin_add_overflow(total, negative ? nanos - kNanosPerSecond : nanos, &total)) {
    return bad_time(text, "outside of the years 1678 to 2262");
  }
  return from_unix_nanoseconds(total);
}

Result<Nanoseconds> parse_duration(std::string_view text) {
  if (text.empty()) return bad_duration(text, "it is empty");
  if (text.front() == '-') return bad_duration(text, "it is negative");
  std::int64_t total = 0;
  std::size_t at = text.front() == '+' ? 1 : 0;
  bool first = true;
  do {
    std::int64_t whole = 0;
    std::int64_t fraction = 0;  // In units of 10^-18.
    std::int64_t scale = 100'000'000'000'000'000;
    bool any = false;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, any = true) {
      if (__builtin_mul_overflow(whole, std::int64_t{10}, &whole) ||
          __builtin_add_overflow(whole, std::int64_t{text[at] - '0'}, &whole)) {
        return bad_duration(text, "it is too long (the limit is 292 years)");
      }
    }
    if (at < text.size() && text[at] == '.') {
      for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, any = true) {
        fraction += (text[at] - '0') * scale;
        scale /= 10;
      }
    }
    if (!any) return bad_duration(text, "a number is missing");
    const std::size_t name_at = at;
    while (at < text.size() && text[at] != '.' && (text[at] < '0' || text[at] > '9')) ++at;
    const std::string_view name = text.substr(name_at, at - name_at);
    const bool bare = name.empty();
    if (bare && !(first && at == text.size())) return bad_duration(text, "one of its numbers has no unit");
    first = false;
    const std::int64_t unit = bare ? kNanosPerSecond : unit_nanoseconds(name);
    if (unit == 0) return bad_duration(text, "unknown unit \"" + std::string(name) + '"');
    const auto part = static_cast<__int128>(whole) * unit +
                      static_cast<__int128>(fraction) * unit / 1'000'000'000'000'000'000 + total;
    if (part > std::numeric_limits<std::int64_t>::max()) {
      return bad_duration(text, "it is too long (the limit is 292 years)");
    }
    total = static_cast<std::int64_t>(part);
  } while (at < text.size());
  return Nanoseconds(total);
}

std::string format_duration(Nanoseconds duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0s";
  std::string out = count < 0 ? "-" : "";
  auto rest = count < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
  for (const Unit& unit : kUnits) {
    if (unit.name == "w") continue;  // People compare days: 90d, not 12w6d.
    const std::uint64_t many = rest / static_cast<std::uint64_t>(unit.nanoseconds);
    if (many == 0) continue;
    out += std::to_string(many);
    out += unit.name;
    rest %= static_cast<std::uint64_t>(unit.nanoseconds);
  }
  return out;
}

const Clock& Clock::system() {
  static const SystemClock clock;
  return clock;
}

struct ManualClock::State {
  std::atomic<std::int64_t> now;
};

ManualClock::ManualClock(Timestamp start) : state_(new State{to_unix_nanoseconds(start)}) {}
ManualClock::~ManualClock() { delete state_; }
Timestamp ManualClock::now() const { return from_unix_nanoseconds(state_->now.load()); }
void ManualClock::advance(Nanoseconds by) { state_->now.fetch_add(by.count()); }

}  // namespace logstone
