// Follows one log over many connections and tells how old its lines are when they arrive:
// bench_followers PORT PATH COUNT prints JSON. The log's lines are `t=<nanoseconds since the epoch>`; those written
// before every follower was connected do not count.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "bench/measure.h"

namespace {

std::int64_t now() { return logstone::to_unix_nanoseconds(logstone::Clock::system().now()); }

int connect_to(std::uint16_t port, const std::string& request) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (socket < 0 || ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::send(socket, request.data(), request.size(), 0) != static_cast<ssize_t>(request.size())) {
    std::perror("bench_followers: connect");
    std::exit(1);
  }
  return socket;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string request = "GET " + std::string(argv[2]) + "?follow=true HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<int> followers;
  for (int i = std::atoi(argv[3]); i > 0; --i) {
    followers.push_back(connect_to(static_cast<std::uint16_t>(std::atoi(argv[1])), request));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = followers.back();
    ::epoll_ctl(poll, EPOLL_CTL_ADD, followers.back(), &event);
  }
  const std::int64_t all_connected = now();
  std::vector<double> milliseconds;
  std::size_t open = followers.size();
  std::vector<epoll_event> events(followers.size());
  char buffer[1 << 14];
  while (open > 0) {
    const int ready = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), 60'000);
    if (ready <= 0) break;
    for (int i = 0; i < ready; ++i) {
      const int socket = events[static_cast<std::size_t>(i)].data.fd;
      const ssize_t got = ::recv(socket, buffer, sizeof buffer, 0);
      const std::int64_t seen = now();
      const std::string_view text(buffer, got > 0 ? static_cast<std::size_t>(got) : 0);
      for (std::size_t at = text.find("t="); at != std::string_view::npos; at = text.find("t=", at + 2)) {
        const std::int64_t written = std::atoll(text.data() + at + 2);
        if (written > all_connected) milliseconds.push_back(static_cast<double>(seen - written) / 1e6);
      }
      // The last chunk of an answer that is complete, or a connection's end.
      if (got > 0 && !text.ends_with("0\r\n\r\n")) continue;
      ::epoll_ctl(poll, EPOLL_CTL_DEL, socket, nullptr);
      --open;
    }
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  const std::size_t n = milliseconds.size();
  std::printf("{\"lines\": %zu, \"median_ms\": %.3f, \"p99_ms\": %.3f, \"unended\": %zu}\n", n,
              n == 0 ? 0 : milliseconds[n / 2], n == 0 ? 0 : milliseconds[n * 99 / 100], open);
}
