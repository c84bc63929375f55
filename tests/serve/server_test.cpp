// Listening, limits, and requests that no honest client sends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>

#include "tests/serve/fake_backend.h"
#include "tests/serve/http_client.h"

namespace logstone::testing {
namespace {

using ::testing::HasSubstr;

class Folder {
 public:
  Folder() {
    std::string text = (std::filesystem::temp_directory_path() / "logstone-serve-XXXXXX").string();
    path = ::mkdtemp(text.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

const std::string kHealth = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

class Sockets : public ::testing::Test {
 protected:
  /// The status of what comes back for raw bytes, 0 for nothing; the connection must be closed by the server.
  int status_of(std::string_view bytes, Server& of) {
    RawConnection raw(of.port());
    raw.send(bytes);
    EXPECT_TRUE(raw.read_to_end());
    return raw.all.starts_with("HTTP/1.1 ") ? std::atoi(raw.all.c_str() + 9) : 0;
  }
  FakeBackend backend;
};

TEST_F(Sockets, APortIsTakenOnce) {
  auto first = start_server(backend);
  ServerSettings settings;
  settings.port = first->port();
  const auto second = Server::start(backend, settings);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
  EXPECT_FALSE(second.error().advice.empty());
}

TEST_F(Sockets, RefusesWhatIsNoAddress) {
  for (const char* host : {"", "example.com", "300.0.0.1", "127.0.0.1:80"}) {
    ServerSettings settings;
    settings.host = host;
    settings.port = 0;
    const auto server = Server::start(backend, settings);
    ASSERT_FALSE(server) << host;
    EXPECT_EQ(server.error().kind, ErrorKind::kInvalidInput);
  }
  ServerSettings nothing;
  nothing.listen_tcp = false;
  EXPECT_FALSE(Server::start(backend, nothing));
}

TEST_F(Sockets, ListensOnAUnixSocketForItsOwner) {
  const Folder folder;
  ServerSettings settings;
  settings.unix_socket = folder.path / "socket";
  settings.listen_tcp = false;
  {
    auto server = Server::start(backend, settings);
    ASSERT_TRUE(server) << server.error().message();
    EXPECT_EQ(ask_unix(settings.unix_socket, "/healthz").body, "ok\n");
    struct stat status {};
    ASSERT_EQ(::stat(settings.unix_socket.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    const auto second = Server::start(backend, settings);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
    EXPECT_EQ(ask_unix(settings.unix_socket, "/healthz").body, "ok\n") << "the first one keeps its socket";
  }
  EXPECT_FALSE(std::filesystem::exists(settings.unix_socket));
}

TEST_F(Sockets, ReplacesAStaleUnixSocketButNoFile) {
  const Folder folder;
  ServerSettings settings;
  settings.unix_socket = folder.path / "socket";
  settings.listen_tcp = false;
  {
    const UniqueFd left(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    settings.unix_socket.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(left.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ASSERT_TRUE(std::filesystem::exists(settings.unix_socket));
  EXPECT_TRUE(Server::start(backend, settings));
  std::ofstream(settings.unix_socket) << "mine";
  EXPECT_FALSE(Server::start(backend, settings));
  EXPECT_TRUE(std::filesystem::exists(settings.unix_socket));
  settings.unix_socket = std::string(200, 'x');
  EXPECT_FALSE(Server::start(backend, settings));
}

TEST_F(Sockets, OnLoopbackOnlyKnownNamesAreServed) {
  ServerSettings settings;
  settings.host_names = {"logs.example"};
  auto server = start_server(backend, settings);
  const auto status = [&](const std::string& host) {
    return ask(server->port(), "/healthz", {"GET", {"Host: " + host}, "", false, false}).status;
  };
  for (const char* good :
       {"localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080", "logs.example", "Logs.Example:443"}) {
    EXPECT_EQ(status(good), 200) << good;
  }
  for (const char* bad : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "[::2]", "x"}) {
    EXPECT_EQ(status(bad), 421) << bad;
  }
}

TEST_F(Sockets, ElsewhereAnyNameIsServed) {
  ServerSettings settings;
  settings.host = "0.0.0.0";
  auto server = start_server(backend, settings);
  EXPECT_EQ(ask(server->port(), "/healthz", {"GET", {"Host: logs.example"}, "", false, false}).status, 200);
}

TEST_F(Sockets, KeepsConnectionsAndAnswersInOrder) {
  auto server = start_server(backend);
  RawConnection raw(server->port());
  std::string many;
  for (int i = 0; i < 100; ++i) many += i % 2 ? "GET /nope HTTP/1.1\r\nHost: localhost\r\n\r\n" : kHealth;
  ASSERT_TRUE(raw.send(many + "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
  ASSERT_TRUE(raw.read_to_end());
  std::string statuses;
  for (std::size_t at = 0; (at = raw.all.find("HTTP/1.1 ", at)) != std::string::npos; ++at) statuses += raw.all[at + 9];
  std::string expected;
  for (int i = 0; i < 50; ++i) expected += "24";
  EXPECT_EQ(statuses, expected + "2");
}

TEST_F(Sockets, BoundsHeadersAndBodies) {
  ServerSettings settings;
  settings.max_header_bytes = 4096;
  settings.max_body_bytes = 1000;
  auto server = start_server(backend, settings);
  EXPECT_EQ(status_of("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(5000, 'x') + "\r\n\r\n", *server),
            431);
  EXPECT_EQ(status_of("GET /" + std::string(1 << 20, 'x') + " HTTP/1.1\r\nHost: localhost\r\n\r\n", *server), 431);
  EXPECT_EQ(change(server->port(), "PUT", "/api/v1/workflows/train-x7k2p/hold", std::string(1001, ' ')).status, 413);
  EXPECT_EQ(change(server->port(), "PUT", "/api/v1/workflows/train-x7k2p/hold", std::string(3'000'000, ' ')).status,
            413);
  const std::string chunked =
      "PUT /api/v1/workflows/train-x7k2p/hold HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(status_of(chunked + "7d0\r\n" + std::string(2000, ' ') + "\r\n0\r\n\r\n", *server), 413);
  RawConnection fine(server->port());
  ASSERT_TRUE(fine.send(chunked + "12\r\n{\"reason\": \"case\"}\r\n0\r\n\r\n"));
  EXPECT_TRUE(fine.read_until("\"case\""));
}

TEST_F(Sockets, BodiesMayWaitForAGoAhead) {
  auto server = start_server(backend);
  RawConnection raw(server->port());
  ASSERT_TRUE(raw.send(
      "PUT /api/v1/workflows/train-x7k2p/hold HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Expect: 100-continue\r\nContent-Length: 15\r\n\r\n"));
  ASSERT_TRUE(raw.read_until("100 Continue\r\n\r\n"));
  ASSERT_TRUE(raw.send("{\"reason\": \"x\"}"));
  EXPECT_TRUE(raw.read_until("HTTP/1.1 200 OK"));
}

TEST_F(Sockets, RefusesWhatIsNoRequest) {
  auto server = start_server(backend);
  EXPECT_EQ(status_of("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", *server), 400) << "TLS";
  EXPECT_EQ(status_of("GET /healthz\r\n\r\n", *server), 400);
  EXPECT_EQ(status_of("GET /healthz HTTP/1.1\r\n\r\n", *server), 400) << "no Host";
  EXPECT_EQ(status_of("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n", *server), 400) << "two Hosts";
  EXPECT_EQ(status_of("GET healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", *server), 400);
  EXPECT_EQ(status_of("GET /healthz HTTP/9.9\r\nHost: localhost\r\n\r\n", *server), 400);
  EXPECT_EQ(status_of("GET /healthz HTTP/1.1\r\nHost : localhost\r\n\r\n", *server), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", *server), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", *server),
            400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", *server), 400);
  EXPECT_EQ(ask(server->port(), "/healthz").status, 200);
}

TEST_F(Sockets, SurvivesRandomBytes) {
  auto server = start_server(backend);
  std::mt19937 random(20261125);
  const std::vector<std::string> starts = {
      "", "GET ", "GET / HTTP/1.1\r\n", kHealth,
      "GET " + backend.log_path() + "?follow=true HTTP/1.1\r\nHost: localhost\r\nRange: "};
  for (int i = 0; i < 150; ++i) {
    RawConnection raw(server->port());
    std::string bytes = starts[random() % starts.size()];
    for (std::size_t n = random() % 600; n > 0; --n) bytes += static_cast<char>(random());
    if (random() % 2) bytes += "\r\n\r\n";
    raw.send(bytes);
    if (random() % 2) raw.end_sending();
    if (random() % 3 == 0) raw.read_until("\r\n");
  }
  EXPECT_EQ(ask(server->port(), "/healthz").status, 200);
}

TEST_F(Sockets, SurvivesRequestsThatBreakOffAnywhere) {
  auto server = start_server(backend);
  backend.log->fill("line\n");
  const std::string request =
      "PUT /api/v1/workflows/train-x7k2p/hold HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 15\r\n\r\n{\"reason\": \"x\"}";
  for (std::size_t length = 0; length < request.size(); ++length) {
    RawConnection raw(server->port());
    ASSERT_TRUE(raw.send(request.substr(0, length)));
    raw.end_sending();
    ASSERT_TRUE(raw.read_to_end()) << length;
    ASSERT_EQ(raw.all.find("200 OK"), std::string::npos) << length;
  }
  // Byte by byte, a whole one is still a request.
  RawConnection slow(server->port());
  for (char c : request) ASSERT_TRUE(slow.send(std::string_view(&c, 1)));
  EXPECT_TRUE(slow.read_until("HTTP/1.1 200 OK"));
}

TEST_F(Sockets, ClosesIdleAndHalfFinishedConnections) {
  ServerSettings settings;
  settings.idle_timeout = std::chrono::milliseconds(200);
  auto server = start_server(backend, settings);
  RawConnection silent(server->port());
  RawConnection half(server->port());
  ASSERT_TRUE(half.send("GET /healthz HTTP/1.1\r\nHost: loc"));
  RawConnection waiting_body(server->port());
  ASSERT_TRUE(
      waiting_body.send("PUT /api/v1/workflows/x/hold HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"));
  EXPECT_TRUE(silent.read_to_end());
  EXPECT_TRUE(half.read_to_end());
  EXPECT_TRUE(waiting_body.read_to_end());
}

TEST_F(Sockets, RefusesMoreConnectionsThanAllowed) {
  ServerSettings settings;
  settings.max_connections = 3;
  auto server = start_server(backend, settings);
  std::vector<std::unique_ptr<RawConnection>> held;
  for (int i = 0; i < 3; ++i) {
    held.push_back(std::make_unique<RawConnection>(server->port()));
    ASSERT_TRUE(held.back()->send(kHealth));
    ASSERT_TRUE(held.back()->read_until("ok\n"));
  }
  EXPECT_EQ(status_of(kHealth, *server), 503);
  ASSERT_TRUE(held[0]->send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  ASSERT_TRUE(held[0]->read_until("logstone_http_connections_refused_total 1\n"));
  held.pop_back();
  // Its place is free again once the server has seen it go.
  int status = 503;
  for (int i = 0; i < 3000 && status != 200; ++i) {
    status = ask(server->port(), "/healthz").status;
    if (status != 200) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(status, 200);
}

TEST_F(Sockets, StopsWithConnectionsInEveryState) {
  auto server = start_server(backend);
  backend.log->append(at_second(1), std::string(8 << 20, 'x'));
  RawConnection idle(server->port());
  RawConnection half(server->port());
  half.send("GET /heal");
  RawConnection taking_nothing(server->port());
  taking_nothing.send("GET " + backend.log_path() + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  RawConnection following(server->port());
  following.send("GET " + backend.log_path() + "?follow=true&tail=0 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(backend.log->wait_for_waiters(1));
  server->stop();
  server->stop();
  EXPECT_TRUE(idle.read_to_end());
  EXPECT_TRUE(half.read_to_end());
  EXPECT_TRUE(following.read_to_end());
  EXPECT_TRUE(taking_nothing.read_to_end());
}

TEST_F(Sockets, ManyClientsAtOnce) {
  auto server = start_server(backend);
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "line " + std::to_string(i) + "\n";
  backend.log->fill(text);
  backend.log->complete();
  std::atomic<int> good{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < 8; ++c) {
    clients.emplace_back([&, c] {
      for (int i = 0; i < 10; ++i) {
        const Answer answer = ask(server->port(), backend.log_path() + (i % 3 == 0 ? "?follow=true" : ""),
                                  {"GET", {}, "", false, (c + i) % 2 == 0});
        if (answer.status == 200 && answer.curl_code == 0 && answer.body == text) ++good;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(good, 80);
}

}  // namespace
}  // namespace logstone::testing
