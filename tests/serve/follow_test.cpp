// Logs that are read while they are written.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "tests/serve/fake_backend.h"
#include "tests/serve/http_client.h"

namespace logstone::testing {
namespace {

bool wait_until(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

class Follow : public ::testing::Test {
 protected:
  std::string request(const std::string& query, const std::string& headers = {}) {
    return "GET " + backend.log_path() + "?" + query + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n";
  }
  FakeBackend backend;
  std::unique_ptr<Server> server = start_server(backend);
};

TEST_F(Follow, EndsWhenTheStreamIsComplete) {
  backend.log->append(at_second(1), "old");
  Answer answer;
  std::thread reader([&] { answer = ask(server->port(), backend.log_path() + "?follow=true"); });
  EXPECT_TRUE(backend.log->wait_for_waiters(1));
  backend.log->append(at_second(2), "new");
  EXPECT_TRUE(backend.log->wait_for_waiters(1));
  backend.log->append(at_second(3), "last", false);
  backend.log->complete();
  reader.join();
  EXPECT_EQ(answer.curl_code, 0);
  EXPECT_EQ(answer.body, "old\nnew\nlast");
}

TEST_F(Follow, BeginsAndEndsWhereItIsAsked) {
  backend.log->fill("l0\nl1\nl2\n");
  std::vector<std::string> queries = {"tail=1",
                                      "tail=0",
                                      "from=4",
                                      "to=4",
                                      "offset=6",
                                      "timestamps=true&tail=0",
                                      "since=1970-01-01T00:50:00Z",
                                      "until=1970-01-01T00:50:00Z"};
  std::vector<Answer> answers(queries.size());
  std::vector<std::thread> readers;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    readers.emplace_back(
        [&, i] { answers[i] = ask(server->port(), backend.log_path() + "?follow=true&" + queries[i]); });
  }
  EXPECT_TRUE(backend.log->wait_for_waiters(queries.size()));
  backend.log->append(at_second(2000), "l3");
  backend.log->append(at_second(3000), "l4");
  backend.log->append(at_second(4000), "l5");
  // Those with an end in sight end by themselves; the others wait on.
  EXPECT_TRUE(backend.log->wait_for_waiters(queries.size() - 2));
  backend.log->complete();
  for (std::thread& reader : readers) reader.join();
  const std::vector<std::string> expected = {
      "l2\nl3\nl4\nl5\n",
      "l3\nl4\nl5\n",
      "l4\nl5\n",
      "l0\nl1\nl2\nl3\n",
      "l2\nl3\nl4\nl5\n",
      "1970-01-01T00:33:20.000000000Z l3\n1970-01-01T00:50:00.000000000Z l4\n1970-01-01T01:06:40.000000000Z l5\n",
      "l4\nl5\n",
      "l0\nl1\nl2\nl3\n"};
  for (std::size_t i = 0; i < queries.size(); ++i) EXPECT_EQ(answers[i].body, expected[i]) << queries[i];
}

TEST_F(Follow, CompressedChunksCanBeReadAtOnce) {
  RawConnection raw(server->port());
  ASSERT_TRUE(raw.send(request("follow=true", "Accept-Encoding: gzip\r\n")));
  ASSERT_TRUE(backend.log->wait_for_waiters(1));
  const std::size_t head = raw.read_until("\r\n\r\n") ? raw.all.size() : 0;
  backend.log->append(at_second(1), "hello");
  ASSERT_TRUE(backend.log->wait_for_waiters(1));
  ASSERT_TRUE(raw.read_until("\x1f\x8b")) << "flushed though nothing fills a buffer";
  EXPECT_GT(raw.all.size(), head);
  backend.log->complete();
  ASSERT_TRUE(raw.read_until("\r\n0\r\n\r\n"));
  // And whole, as libcurl decodes it.
  EXPECT_EQ(ask(server->port(), backend.log_path() + "?follow=true", {"GET", {}, "", false, true}).body, "hello\n");
}

TEST_F(Follow, AThousandFollowersGetTheLine) {
  constexpr std::size_t kFollowers = 1000;
  backend.log->append(at_second(1), "old");
  std::vector<std::unique_ptr<RawConnection>> followers;
  for (std::size_t i = 0; i < kFollowers; ++i) {
    followers.push_back(std::make_unique<RawConnection>(server->port()));
    ASSERT_GE(followers.back()->fd(), 0);
    ASSERT_TRUE(followers.back()->send(request("follow=true&tail=0")));
  }
  ASSERT_TRUE(backend.log->wait_for_waiters(kFollowers));
  backend.log->append(at_second(2), "the line");
  for (auto& follower : followers) ASSERT_TRUE(follower->read_until("the line\n"));
  ASSERT_TRUE(backend.log->wait_for_waiters(kFollowers));
  // Gone clients give back what they held.
  followers.resize(kFollowers / 2);
  EXPECT_TRUE(backend.log->wait_for_waiters(kFollowers / 2));
  backend.log->complete();
  for (auto& follower : followers) ASSERT_TRUE(follower->read_until("\r\n0\r\n\r\n"));
  for (auto& follower : followers) EXPECT_EQ(follower->all.find("old"), std::string::npos);
}

TEST_F(Follow, AClientThatSentAheadIsStillMissedWhenItGoes) {
  auto raw = std::make_unique<RawConnection>(server->port());
  ASSERT_TRUE(raw->send(request("follow=true") + request("tail=1")));
  ASSERT_TRUE(backend.log->wait_for_waiters(1));
  raw.reset();
  EXPECT_TRUE(backend.log->wait_for_waiters(0));
}

TEST_F(Follow, ARequestSentAheadIsAnsweredAfterwards) {
  RawConnection raw(server->port());
  ASSERT_TRUE(raw.send(request("follow=true")));
  ASSERT_TRUE(backend.log->wait_for_waiters(1));
  ASSERT_TRUE(raw.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  backend.log->append(at_second(1), "a");
  ASSERT_TRUE(raw.read_until("a\n"));
  backend.log->complete();
  ASSERT_TRUE(raw.read_until("\r\n0\r\n\r\nHTTP/1.1 200 OK"));
  ASSERT_TRUE(raw.read_until("ok\n"));
}

TEST_F(Follow, ASlowReaderHoldsOneChunk) {
  const std::string line(1023, 'x');
  for (int i = 0; i < 32 * 1024; ++i) backend.log->append(at_second(i), line);  // 32 MiB
  RawConnection slow(server->port(), 64 * 1024);
  ASSERT_TRUE(slow.send(request("follow=true")));
  ASSERT_TRUE(slow.read_until("\r\n\r\n"));
  // Others are served meanwhile, until the slow one's socket is full and the server reads no more for it.
  std::uint64_t before = 0;
  ASSERT_TRUE(wait_until([&] {
    EXPECT_EQ(ask(server->port(), "/healthz").status, 200);
    const std::uint64_t now = backend.log->bytes_read();
    return std::exchange(before, now) == now && now > 0;
  }));
  EXPECT_LT(backend.log->bytes_read(), 16u << 20) << "what was read went to buffers of ours";
  backend.log->complete();
  ASSERT_TRUE(slow.read_until("\r\n0\r\n\r\n"));
  EXPECT_GT(slow.all.size(), 32u << 20);
}

TEST_F(Follow, AReaderThatTakesNothingIsLeftAfterAWhile) {
  ServerSettings settings;
  settings.idle_timeout = std::chrono::milliseconds(300);
  auto impatient = start_server(backend, settings);
  const std::string line(1023, 'x');
  for (int i = 0; i < 32 * 1024; ++i) backend.log->append(at_second(i), line);
  RawConnection stuck(impatient->port(), 64 * 1024);
  ASSERT_TRUE(stuck.send(request("follow=true")));
  ASSERT_TRUE(stuck.read_until("\r\n\r\n"));
  EXPECT_TRUE(wait_until([&] {
    return ask(impatient->port(), "/metrics").body.find("logstone_http_open_streams 0\n") != std::string::npos;
  }));
}

TEST_F(Follow, AWaitingFollowerIsNotIdle) {
  ServerSettings settings;
  settings.idle_timeout = std::chrono::milliseconds(100);
  auto impatient = start_server(backend, settings);
  RawConnection follower(impatient->port());
  ASSERT_TRUE(follower.send(request("follow=true")));
  ASSERT_TRUE(backend.log->wait_for_waiters(1));
  // Another connection that stays idle is closed; the follower's must outlive it.
  RawConnection idle(impatient->port());
  ASSERT_TRUE(idle.read_to_end());
  backend.log->append(at_second(1), "still here");
  EXPECT_TRUE(follower.read_until("still here\n"));
}

TEST_F(Follow, AStopCutsFollowersWithoutAnEnd) {
  backend.log->append(at_second(1), "old");
  RawConnection raw(server->port());
  ASSERT_TRUE(raw.send(request("follow=true")));
  ASSERT_TRUE(backend.log->wait_for_waiters(1));
  server->stop();
  ASSERT_TRUE(raw.read_to_end());
  EXPECT_NE(raw.all.find("old\n"), std::string::npos);
  EXPECT_EQ(raw.all.find("\r\n0\r\n"), std::string::npos) << "the server's end is not the log's";
  EXPECT_TRUE(backend.log->wait_for_waiters(0));
}

TEST_F(Follow, OldClientsGetABodyThatEndsWithTheConnection) {
  backend.log->append(at_second(1), "line");
  RawConnection raw(server->port());
  ASSERT_TRUE(raw.send("GET " + backend.log_path() + "?follow=true HTTP/1.0\r\n\r\n"));
  ASSERT_TRUE(backend.log->wait_for_waiters(1));
  backend.log->complete();
  ASSERT_TRUE(raw.read_to_end());
  EXPECT_TRUE(raw.all.ends_with("\r\n\r\nline\n")) << raw.all;
}

}  // namespace
}  // namespace logstone::testing
