// A log's bytes by HTTP: selections, ranges, encodings, time stamps, gaps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <random>

#include "tests/serve/fake_backend.h"
#include "tests/serve/http_client.h"

namespace logstone::testing {
namespace {

using ::testing::HasSubstr;

std::string gunzip(const std::string& bytes) {
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  char buffer[65536];
  int result = Z_OK;
  while (result == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    result = inflate(&stream, Z_NO_FLUSH);
    out.append(buffer, sizeof buffer - stream.avail_out);
  }
  inflateEnd(&stream);
  return result == Z_STREAM_END ? out : "broken gzip";
}

std::string unzstd(const std::string& bytes) {
  ZSTD_DStream* stream = ZSTD_createDStream();
  ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
  std::string out;
  char buffer[65536];
  std::size_t left = 1;
  while (left != 0) {
    ZSTD_outBuffer output{buffer, sizeof buffer, 0};
    left = ZSTD_decompressStream(stream, &output, &input);
    out.append(buffer, output.pos);
    if (ZSTD_isError(left) || (left != 0 && output.pos == 0 && input.pos == input.size)) break;
  }
  ZSTD_freeDStream(stream);
  return left == 0 ? out : "broken zstd";
}

/// Lines of random bytes: carriage returns, NULs, invalid UTF-8.
std::string random_text(std::uint32_t seed, std::size_t size) {
  std::mt19937 random(seed);
  std::string out;
  while (out.size() < size) {
    for (std::size_t n = random() % 200; n > 0; --n) {
      const char c = static_cast<char>(random() % 3 == 0 ? random() : 'a' + random() % 26);
      out += c == '\n' ? '\0' : c;
    }
    out += '\n';
  }
  return out;
}

class Log : public ::testing::Test {
 protected:
  void use(std::string_view text, bool complete = true, std::size_t block = 1 << 20) {
    backend.log = std::make_shared<FakeLog>(block);
    backend.log->fill(text);
    if (complete) backend.log->complete();
  }
  Answer get(const std::string& query = {}, std::vector<std::string> headers = {}, const std::string& method = "GET") {
    return ask(server->port(), backend.log_path() + (query.empty() ? "" : "?" + query),
               {method, std::move(headers), "", false, false});
  }
  FakeBackend backend;
  std::unique_ptr<Server> server = start_server(backend);
};

TEST_F(Log, ComesBackByteForByte) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{300'000}, std::size_t{3'000'000}}) {
    const std::string text = size == 0 ? "" : random_text(7, size);
    use(text, true, 77'777);
    const Answer answer = get();
    EXPECT_EQ(answer.curl_code, 0);
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(answer.body == text) << size;
    EXPECT_EQ(answer.headers.at("content-length"), std::to_string(text.size()));
    EXPECT_EQ(answer.headers.at("content-type"), "text/plain");
    EXPECT_EQ(answer.headers.at("x-content-type-options"), "nosniff");
    EXPECT_EQ(answer.headers.at("x-logstone-complete"), "true");
    EXPECT_EQ(answer.headers.at("x-logstone-bytes"), std::to_string(text.size()));
  }
}

TEST_F(Log, SaysThatItIsNotComplete) {
  use("one\ntwo", false);
  const Answer answer = get();
  EXPECT_EQ(answer.body, "one\ntwo");
  EXPECT_EQ(answer.headers.at("x-logstone-complete"), "false");
  EXPECT_EQ(answer.headers.at("x-logstone-lines"), "2");
}

TEST_F(Log, SelectsLines) {
  use("l0\nl1\n\nl3\nl4");  // The times are 1000 s, 1001 s, ...
  const auto body = [&](const std::string& query) { return get(query).body; };
  EXPECT_EQ(body("tail=2"), "l3\nl4");
  EXPECT_EQ(body("tail=0"), "");
  EXPECT_EQ(body("tail=99"), "l0\nl1\n\nl3\nl4");
  EXPECT_EQ(body("from=1&to=3"), "l1\n\n");
  EXPECT_EQ(body("from=4"), "l4");
  EXPECT_EQ(body("from=5"), "");
  EXPECT_EQ(body("to=1"), "l0\n");
  EXPECT_EQ(body("from=2&to=2"), "");
  EXPECT_EQ(body("since=1970-01-01T00:16:43Z"), "l3\nl4");
  EXPECT_EQ(body("until=1970-01-01T00:16:41Z"), "l0\n");
  EXPECT_EQ(body("since=1970-01-01T00:16:41Z&until=1970-01-01T00:16:43Z"), "l1\n\n");
  EXPECT_EQ(body("since=1d"), "") << "all lines are older";
  EXPECT_EQ(body("offset=4"), "1\n\nl3\nl4");
  EXPECT_EQ(body("offset=400"), "");
  EXPECT_EQ(body("from=1&tail=1"), "l4");
  EXPECT_EQ(body("to=4&tail=2"), "\nl3\n") << "the tail counts back from the selection's end";
  EXPECT_EQ(body("until=1970-01-01T00:16:42Z&tail=1"), "l1\n");
  EXPECT_EQ(body("to=3&tail=9"), "l0\nl1\n\n");
  EXPECT_EQ(get("from=3").headers.at("x-logstone-offset"), "7");
}

TEST_F(Log, TailWithinAnEndReadsFromTheEnd) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "line " + std::to_string(i) + "\n";
  use(text, true, 50'000);
  EXPECT_EQ(get("to=100000&tail=2").body, "line 99998\nline 99999\n");
  EXPECT_LT(backend.log->bytes_read(), 300'000u);
}

TEST_F(Log, GivesRanges) {
  use("0123456789");
  const auto expect = [&](const std::string& range, int status, const std::string& body,
                          const std::string& content_range) {
    const Answer answer = get("", {"Range: " + range});
    EXPECT_EQ(answer.status, status) << range;
    EXPECT_EQ(status == 416 ? "" : answer.body, body) << range;
    const auto found = answer.headers.find("content-range");
    EXPECT_EQ(found == answer.headers.end() ? "" : found->second, content_range) << range;
  };
  expect("bytes=2-4", 206, "234", "bytes 2-4/10");
  expect("bytes=7-", 206, "789", "bytes 7-9/10");
  expect("bytes=-3", 206, "789", "bytes 7-9/10");
  expect("bytes=0-999", 206, "0123456789", "bytes 0-9/10");
  expect("bytes=10-", 416, "", "bytes */10");
  expect("bytes=1-2,4-5", 200, "0123456789", "");
  expect("nonsense", 200, "0123456789", "");
  EXPECT_EQ(get("", {"Range: bytes=2-4"}).headers.at("x-logstone-offset"), "2");
  EXPECT_EQ(get("", {"Range: bytes=2-4", "If-Range: \"x\""}).body, "0123456789");
  EXPECT_EQ(get("", {"Range: bytes=2-4", "Accept-Encoding: gzip"}).body, "234") << "ranges count raw bytes";
  EXPECT_EQ(get("timestamps=true", {"Range: bytes=2-4"}).status, 200) << "the length is not known there";
}

TEST_F(Log, RangesCountWithinTheSelection) {
  use("aa\nbb\ncc\n", false);
  const Answer answer = get("from=1", {"Range: bytes=1-3"});
  EXPECT_EQ(answer.status, 206);
  EXPECT_EQ(answer.body, "b\nc");
  EXPECT_EQ(answer.headers.at("content-range"), "bytes 1-3/*") << "it still grows";
}

TEST_F(Log, AnyRangeIsThatPartOfTheWhole) {
  const std::string text = random_text(3, 500'000);
  use(text, true, 10'000);
  std::mt19937 random(5);
  for (int i = 0; i < 60; ++i) {
    const std::size_t first = random() % text.size();
    const std::size_t last = first + random() % (text.size() - first);
    const Answer answer = get("", {"Range: bytes=" + std::to_string(first) + "-" + std::to_string(last)});
    ASSERT_EQ(answer.status, 206);
    ASSERT_TRUE(answer.body == text.substr(first, last - first + 1)) << first << "-" << last;
  }
}

TEST_F(Log, CompressesWhenAsked) {
  const std::string text = random_text(9, 2'000'000);
  use(text);
  Answer answer = get("", {"Accept-Encoding: gzip"});
  EXPECT_EQ(answer.headers.at("content-encoding"), "gzip");
  EXPECT_EQ(answer.headers.at("vary"), "Accept-Encoding");
  EXPECT_LT(answer.body.size(), text.size());
  EXPECT_TRUE(gunzip(answer.body) == text);
  answer = get("", {"Accept-Encoding: gzip, zstd"});
  EXPECT_EQ(answer.headers.at("content-encoding"), "zstd");
  EXPECT_TRUE(unzstd(answer.body) == text);
  answer = get("", {"Accept-Encoding: zstd;q=0"});
  EXPECT_FALSE(answer.headers.contains("content-encoding"));
  EXPECT_TRUE(answer.body == text);
  use("");
  EXPECT_EQ(gunzip(get("", {"Accept-Encoding: gzip"}).body), "");
  EXPECT_EQ(unzstd(get("", {"Accept-Encoding: zstd"}).body), "");
}

TEST_F(Log, StampsEachLineOnce) {
  use("", false);
  backend.log->append(at_second(1), "first ", false);
  backend.log->append(at_second(2), "goes on");
  backend.log->append(at_second(3), "", true, Output::kStderr);
  backend.log->append(at_second(4), "no end", false);
  EXPECT_EQ(get("timestamps=true").body,
            "1970-01-01T00:00:01.000000000Z first goes on\n"
            "1970-01-01T00:00:03.000000000Z \n"
            "1970-01-01T00:00:04.000000000Z no end");
  EXPECT_EQ(get("timestamps=true&from=1&to=2").body, "1970-01-01T00:00:03.000000000Z \n");
}

TEST_F(Log, StampsAcrossBlocksAndChunks) {
  std::string text;
  for (int i = 0; i < 30'000; ++i) text += std::string(static_cast<std::size_t>(i % 7), 'x') + "\n";
  use(text, true, 999);
  const Answer answer = get("timestamps=true");
  std::string expected;
  std::size_t at = 0;
  for (int i = 0; i < 30'000; ++i) {
    const std::size_t length = static_cast<std::size_t>(i % 7) + 1;
    expected += format_rfc3339_nano(at_second(1000 + i)) + " " + text.substr(at, length);
    at += length;
  }
  EXPECT_TRUE(answer.body == expected);
}

TEST_F(Log, ShowsGapsWhereTheyAre) {
  use("", false);
  backend.log->append(at_second(1), "before");
  backend.log->lose("rotated away before it was read", 512);
  backend.log->append(at_second(2), "half a li", false);
  backend.log->lose("pod deleted while it wrote");
  backend.log->complete();
  EXPECT_EQ(get().body, "before\nhalf a li");
  EXPECT_EQ(get().headers.at("x-logstone-gaps"), "2");
  EXPECT_EQ(get("gaps=true").body,
            "before\n[logstone: 512 bytes are missing here: rotated away before it was read]\n"
            "half a li\n[logstone: bytes are missing here: pod deleted while it wrote]\n");
  EXPECT_EQ(get("gaps=true&to=1").body, "before\n");
  EXPECT_EQ(get("gaps=true&follow=true").body, get("gaps=true").body);
}

TEST_F(Log, ShowsAGapInAnEmptyStream) {
  use("", false);
  backend.log->lose("node lost");
  backend.log->complete();
  EXPECT_EQ(get("gaps=true").body, "[logstone: bytes are missing here: node lost]\n");
}

TEST_F(Log, ABadBlockIsAnErrorBeforeOrACutAfterTheFirstByte) {
  use(random_text(1, 1'000'000), true, 100'000);
  backend.log->fail_reads_from(0);
  Answer answer = get();
  EXPECT_EQ(answer.status, 500);
  EXPECT_THAT(answer.body, HasSubstr("its checksum differs"));
  use(random_text(1, 1'000'000), true, 100'000);
  backend.log->fail_reads_from(500'000);
  answer = get();
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.curl_code, 0) << "a short body must be an error to its reader";
  EXPECT_EQ(answer.body.size(), 500'000u);
  answer = get("", {"Accept-Encoding: gzip"});
  EXPECT_NE(answer.curl_code, 0) << "also where the length was not known";
  EXPECT_EQ(get("", {"Range: bytes=0-99"}).body.size(), 100u) << "what is intact is served";
}

TEST_F(Log, HeadSaysWhatGetWouldSend) {
  use("0123456789");
  const Answer head = get("", {}, "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-length"), "10");
  EXPECT_EQ(head.headers.at("accept-ranges"), "bytes");
  EXPECT_EQ(head.body, "");
}

}  // namespace
}  // namespace logstone::testing
