#include "base/time.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace logstone {
namespace {

using namespace std::chrono_literals;

TEST(TimeTest, FormatsWithNineDigits) {
  const Timestamp time = from_unix_nanoseconds(1'795'599'000'123'456'789);
  EXPECT_EQ(format_rfc3339_nano(time), "2026-11-25T09:30:00.123456789Z");
  EXPECT_EQ(format_rfc3339(time), "2026-11-25T09:30:00Z");
  EXPECT_EQ(format_rfc3339_nano(Timestamp{}), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(format_rfc3339_nano(from_unix_nanoseconds(-1)), "1969-12-31T23:59:59.999999999Z");
}

TEST(TimeTest, ReadsEveryForm) {
  const struct {
    const char* text;
    const char* same_as;
  } cases[] = {
      {"2026-11-25T09:30:00Z", "2026-11-25T09:30:00.000000000Z"},
      {"2026-11-25t09:30:00.5z", "2026-11-25T09:30:00.500000000Z"},
      {"2026-11-25T09:30:00.123456789+02:00", "2026-11-25T07:30:00.123456789Z"},
      {"2026-11-25T09:30:00-09:30", "2026-11-25T19:00:00.000000000Z"},
      {"2024-02-29T23:59:60Z", "2024-03-01T00:00:00.000000000Z"},
      {"1969-12-31T23:59:59.25Z", "1969-12-31T23:59:59.250000000Z"},
  };
  for (const auto& [text, same_as] : cases) {
    const auto time = parse_rfc3339(text);
    ASSERT_TRUE(time) << time.error().message();
    EXPECT_EQ(format_rfc3339_nano(*time), same_as);
  }
}

TEST(TimeTest, RefusesWhatIsNotATime) {
  for (const char* text : {"",
                           "2026",
                           "2026-11-25",
                           "2026-11-25T09:30:00",
                           "2026-13-25T09:30:00Z",
                           "2025-02-29T00:00:00Z",
                           "2026-11-25T24:00:00Z",
                           "2026-11-25T09:60:00Z",
                           "2026-11-25T09:30:61Z",
                           "2026-11-25T09:30:00.Z",
                           "2026-11-25T09:30:00.1234567890Z",
                           "2026-11-25T09:30:00+0200",
                           "2026-11-25T09:30:00+24:00",
                           "2026-11-25T09:30:00Z ",
                           " 2026-11-25T09:30:00Z",
                           "2026-11-25 09:30:00Z",
                           "0001-01-01T00:00:00Z",
                           "2262-04-11T23:47:16.854775808Z",
                           "1677-09-21T00:12:43.145224191Z",
                           "2026-11-25T09:30:00+"}) {
    const auto time = parse_rfc3339(text);
    ASSERT_FALSE(time) << text;
    EXPECT_EQ(time.error().kind, ErrorKind::kInvalidInput);
  }
}

TEST(TimeTest, EveryInstantComesBack) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const Timestamp time = from_unix_nanoseconds(static_cast<std::int64_t>(random()));
    const auto back = parse_rfc3339(format_rfc3339_nano(time));
    ASSERT_TRUE(back) << back.error().message();
    ASSERT_EQ(*back, time);
  }
  for (const std::int64_t edge : {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    const auto back = parse_rfc3339(format_rfc3339_nano(from_unix_nanoseconds(edge)));
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(to_unix_nanoseconds(*back), edge);
  }
}

TEST(DurationTest, ReadsAndWrites) {
  const struct {
    const char* text;
    Nanoseconds value;
    const char* written;
  } cases[] = {
      {"90d", 90 * 24h, "90d"},
      {"1h30m", 90min, "1h30m"},
      {"5s", 5s, "5s"},
      {"250ms", 250ms, "250ms"},
      {"1w", 7 * 24h, "7d"},
      {"0", 0s, "0s"},
      {"60", 60s, "1m"},
      {"1.5h", 90min, "1h30m"},
      {"1.5", 1500ms, "1s500ms"},
      {"100us", 100us, "100us"},
      {"100\u00b5s", 100us, "100us"},
      {"7ns", 7ns, "7ns"},
      {"1h0m0.25s", 1h + 250ms, "1h250ms"},
      {".5s", 500ms, "500ms"},
  };
  for (const auto& [text, value, written] : cases) {
    const auto duration = parse_duration(text);
    ASSERT_TRUE(duration) << duration.error().message();
    EXPECT_EQ(*duration, value) << text;
    EXPECT_EQ(format_duration(*duration), written);
  }
  EXPECT_EQ(format_duration(-5s), "-5s");
}

TEST(DurationTest, RefusesWhatIsNoDuration) {
  for (const char* text : {"", "-5s", "d", "5x", "5 s", "forever", "1h30", "5s5", ".", "1..5s", "300000000000",
                           "99999999999999999999d", "107000d", "+", "5S"}) {
    const auto duration = parse_duration(text);
    ASSERT_FALSE(duration) << text << " gave " << duration->count();
    EXPECT_EQ(duration.error().kind, ErrorKind::kInvalidInput);
  }
}

TEST(DurationTest, EveryDurationComesBack) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 20'000; ++i) {
    const Nanoseconds duration(static_cast<std::int64_t>(random() >> (1 + random() % 62)));
    const auto back = parse_duration(format_duration(duration));
    ASSERT_TRUE(back) << back.error().message();
    ASSERT_EQ(*back, duration);
  }
}

TEST(ClockTest, ManualClockMovesOnlyWhenTold) {
  ManualClock clock(from_unix_nanoseconds(100));
  EXPECT_EQ(to_unix_nanoseconds(clock.now()), 100);
  clock.advance(5s);
  EXPECT_EQ(to_unix_nanoseconds(clock.now()), 5'000'000'100);
  EXPECT_GT(Clock::system().now(), from_unix_nanoseconds(1'700'000'000'000'000'000));
}

}  // namespace
}  // namespace logstone
