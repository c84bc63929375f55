// Query strings, ranges and encodings as texts, without a server.
#include <gtest/gtest.h>

#include <random>

#include "serve/negotiation.h"
#include "serve/query.h"
#include "serve/wire_format.h"

namespace logstone::http {
namespace {

using Kind = ByteRange::Kind;

TEST(Query, DecodesNamesAndValues) {
  const auto query = Query::parse("a=x%20y+z&b=&labels=k%3Dv%26w", {"a", "b", "labels"});
  ASSERT_TRUE(query) << query.error().message();
  EXPECT_EQ(query->text("a"), "x y z");
  EXPECT_TRUE(query->has("b"));
  EXPECT_EQ(query->text("b"), "");
  EXPECT_EQ(query->text("labels"), "k=v&w");
  EXPECT_FALSE(query->has("c"));
}

TEST(Query, NamesWhatItRefuses) {
  const auto reason = [](std::string_view text) {
    const auto query = Query::parse(text, {"limit", "page"});
    return query ? std::string("accepted") : query.error().message();
  };
  EXPECT_NE(reason("limti=3").find("`limti`"), std::string::npos);
  EXPECT_NE(reason("limti=3").find("limit, page"), std::string::npos) << "says what is known";
  EXPECT_NE(reason("limit=1&limit=2").find("`limit`: it is given twice"), std::string::npos);
  EXPECT_NE(reason("limit").find("`limit`: it has no value"), std::string::npos);
  for (const char* bad : {"limit=%", "limit=%1", "limit=%zz", "limit=%00", "%0a=1", "=1", "&", "limit=1&", "&limit=1",
                          "limit=1&&page=x", "limit=%7f"}) {
    EXPECT_NE(reason(bad), "accepted") << bad;
  }
  EXPECT_EQ(reason(""), "accepted");
  EXPECT_EQ(reason("limit=%41&page==="), "accepted");
}

TEST(Query, ReadsFlagsNumbersAndTimes) {
  const Timestamp now = from_unix_nanoseconds(1'800'000'000'000'000'000);
  const std::vector<std::string_view> known = {"f", "n", "t"};
  const auto parse = [&](std::string_view text) { return *Query::parse(text, known); };
  EXPECT_TRUE(*parse("f=true").flag("f"));
  EXPECT_FALSE(*parse("f=false").flag("f"));
  EXPECT_FALSE(*parse("").flag("f"));
  for (const char* bad : {"f=", "f=1", "f=TRUE", "f=yes"}) EXPECT_FALSE(parse(bad).flag("f")) << bad;

  EXPECT_EQ(*parse("n=7").number("n", 1, 10), 7u);
  EXPECT_EQ(*parse("n=18446744073709551615").number("n", 0, UINT64_MAX), UINT64_MAX);
  EXPECT_EQ(*parse("").number("n", 1, 10), std::nullopt);
  for (const char* bad : {"n=", "n=0", "n=11", "n=-1", "n=%2B1", "n=1.5", "n=1x", "n=18446744073709551616", "n= 1"}) {
    EXPECT_FALSE(parse(bad).number("n", 1, 10)) << bad;
  }

  EXPECT_EQ(*parse("t=1h").time("t", now), now - std::chrono::hours(1));
  EXPECT_EQ(*parse("t=2026-11-25T09:30:00Z").time("t", now), *parse_rfc3339("2026-11-25T09:30:00Z"));
  EXPECT_EQ(*parse("t=2026-11-25T09:30:00+02:00").time("t", now), *parse_rfc3339("2026-11-25T07:30:00Z"))
      << "a plus sign that was not percent-encoded";
  EXPECT_EQ(*parse("").time("t", now), std::nullopt);
  for (const char* bad : {"t=", "t=yesterday", "t=-5s", "t=2026-13-01T00:00:00Z"}) {
    EXPECT_FALSE(parse(bad).time("t", now)) << bad;
  }
}

TEST(Range, ChoosesOneRange) {
  const auto expect = [](std::string_view header, std::uint64_t size, Kind kind, std::uint64_t first,
                         std::uint64_t end) {
    const ByteRange range = choose_range(header, size);
    EXPECT_EQ(range.kind, kind) << header;
    if (range.kind != Kind::kUnsatisfiable) {
      EXPECT_EQ(range.first, first) << header;
      EXPECT_EQ(range.end, end) << header;
    }
  };
  expect("bytes=0-0", 10, Kind::kPart, 0, 1);
  expect("bytes=3-", 10, Kind::kPart, 3, 10);
  expect("bytes=3-100", 10, Kind::kPart, 3, 10);
  expect("BYTES = 3 - 4", 10, Kind::kPart, 3, 5);
  expect("bytes=-4", 10, Kind::kPart, 6, 10);
  expect("bytes=-400", 10, Kind::kPart, 0, 10);
  expect("bytes=0-18446744073709551615", 10, Kind::kPart, 0, 10);
  expect("bytes=0-99999999999999999999999", 10, Kind::kPart, 0, 10);
  expect("bytes=10-", 10, Kind::kUnsatisfiable, 0, 0);
  expect("bytes=99999999999999999999999-", 10, Kind::kUnsatisfiable, 0, 0);
  expect("bytes=-0", 10, Kind::kUnsatisfiable, 0, 0);
  expect("bytes=0-", 0, Kind::kUnsatisfiable, 0, 0);
  expect("bytes=-5", 0, Kind::kUnsatisfiable, 0, 0);
  for (const char* whole : {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=0-1,3-4", "lines=0-1",
                            "bytes=--1", "bytes=1--2", "bytes=0x1-2"}) {
    expect(whole, 10, Kind::kWhole, 0, 10);
  }
}

TEST(Range, AnyTextGivesARangeWithin) {
  std::mt19937 random(11357);
  const std::string alphabet = "bytes=-0123456789, \t;xX";
  for (int i = 0; i < 20'000; ++i) {
    std::string text = random() % 2 ? "bytes=" : "";
    for (std::size_t n = random() % 24; n > 0; --n) text += alphabet[random() % alphabet.size()];
    const std::uint64_t size = random() % 1000;
    const ByteRange range = choose_range(text, size);
    if (range.kind == Kind::kPart) {
      ASSERT_LT(range.first, range.end) << text;
    }
    if (range.kind != Kind::kUnsatisfiable) {
      ASSERT_LE(range.end, size) << text;
    }
  }
}

TEST(AcceptEncoding, ChoosesOnlyWhatIsAskedFor) {
  EXPECT_EQ(choose_encoding(""), Encoding::kIdentity);
  EXPECT_EQ(choose_encoding("identity"), Encoding::kIdentity);
  EXPECT_EQ(choose_encoding("*"), Encoding::kIdentity);
  EXPECT_EQ(choose_encoding("br, deflate"), Encoding::kIdentity);
  EXPECT_EQ(choose_encoding("gzip"), Encoding::kGzip);
  EXPECT_EQ(choose_encoding("GZip;q=0.5, br"), Encoding::kGzip);
  EXPECT_EQ(choose_encoding("gzip, deflate, br, zstd"), Encoding::kZstd);
  EXPECT_EQ(choose_encoding("gzip;q=1.0, zstd;q=0.9"), Encoding::kGzip);
  EXPECT_EQ(choose_encoding("gzip;q=0, zstd;q=0.000"), Encoding::kIdentity);
  EXPECT_EQ(choose_encoding("zstd;q=nonsense"), Encoding::kIdentity);
  EXPECT_EQ(choose_encoding(";;,,;q=,=,gzip;;q=1"), Encoding::kGzip);
}

TEST(WireFormat, KeepsHeadersApart) {
  Response response = text_response(200, "x");
  response.set("X-Test", "a\r\nSet-Cookie: b");
  const std::string head = response_head(response, {});
  EXPECT_EQ(head.find("\r\nSet-Cookie"), std::string::npos);
  EXPECT_NE(head.find("X-Test: a  Set-Cookie: b\r\n"), std::string::npos);
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

TEST(WireFormat, TakesTheNameOutOfHost) {
  EXPECT_EQ(host_name("Localhost:8080"), "localhost");
  EXPECT_EQ(host_name("[::1]:8080"), "[::1]");
  EXPECT_EQ(host_name("[::1]"), "[::1]");
  EXPECT_EQ(host_name("a.b"), "a.b");
  EXPECT_EQ(host_name(""), "");
}

}  // namespace
}  // namespace logstone::http
