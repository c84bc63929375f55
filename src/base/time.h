// Points in time, durations and the clock that tests replace.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace logstone {

using Nanoseconds = std::chrono::nanoseconds;
/// UTC, nanoseconds since the Unix epoch; 1678 to 2262.
using Timestamp = std::chrono::time_point<std::chrono::system_clock, Nanoseconds>;

[[nodiscard]] inline std::int64_t to_unix_nanoseconds(Timestamp t) { return t.time_since_epoch().count(); }
[[nodiscard]] inline Timestamp from_unix_nanoseconds(std::int64_t n) { return Timestamp(Nanoseconds(n)); }

/// "2026-11-25T09:30:00.123456789Z", always with nine digits: sorts as text.
[[nodiscard]] std::string format_rfc3339_nano(Timestamp time);
/// "2026-11-25T09:30:00Z", as Kubernetes writes object times.
[[nodiscard]] std::string format_rfc3339(Timestamp time);
/// Any RFC 3339 time, zero to nine digits of fraction, any offset.
[[nodiscard]] Result<Timestamp> parse_rfc3339(std::string_view text);
/// "90d", "1h30m", "5s", "250ms", "1w", or Go's forms; a bare number counts seconds. Never negative.
[[nodiscard]] Result<Nanoseconds> parse_duration(std::string_view text);
/// "90d", "1h30m", "5s": the shortest form that parse_duration reads back.
[[nodiscard]] std::string format_duration(Nanoseconds duration);

/// The time of day as the product sees it. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Timestamp now() const = 0;
  /// The machine's clock; lives for ever.
  [[nodiscard]] static const Clock& system();
};

/// A clock that stands still until told otherwise: for tests. Thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start);
  ~ManualClock() override;
  [[nodiscard]] Timestamp now() const override;
  void advance(Nanoseconds by);

 private:
  struct State;
  State* state_;
};

}  // namespace logstone
