#include "serve/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace logstone::http {
namespace {

constexpr int kBacklog = 1024;

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

bool parse_address(const std::string& host, std::uint16_t port, Address& out) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  const std::string text = host == "localhost" ? "127.0.0.1"
                           : host.size() > 2 && host.front() == '[' && host.back() == ']'
                               ? host.substr(1, host.size() - 2)
                               : host;
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    out.length = sizeof *v4;
    return true;
  }
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    out.length = sizeof *v6;
    return true;
  }
  return false;
}

bool unix_address(const std::string& path, Address& out) {
  auto* address = reinterpret_cast<sockaddr_un*>(&out.storage);
  if (path.size() >= sizeof address->sun_path) return false;
  address->sun_family = AF_UNIX;
  std::memcpy(address->sun_path, path.c_str(), path.size() + 1);
  out.length = sizeof *address;
  return true;
}

}  // namespace

Result<UniqueFd> listen_tcp(const std::string& host, std::uint16_t port) {
  const std::string place = host + ":" + std::to_string(port);
  Address address;
  if (!parse_address(host, port, address)) {
    return Error{ErrorKind::kInvalidInput, "listen on", place, "`" + host + "` is no IP address",
                 "Give an address of this machine: 127.0.0.1 for itself only, 0.0.0.0 for everybody."};
  }
  UniqueFd fd(::socket(address.get()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return system_error("make a socket for", place, errno);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), address.get(), address.length) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    Error error = system_error("listen on", place, errno);
    if (errno == EADDRINUSE) {
      error.kind = ErrorKind::kConflict;
      error.advice = "Another process listens there: end it, or choose another port.";
    } else if (errno == EADDRNOTAVAIL) {
      error.kind = ErrorKind::kInvalidInput;
      error.advice = "This machine has no such address.";
    }
    return error;
  }
  return fd;
}

Result<UniqueFd> listen_unix(const std::string& path) {
  Address address;
  if (!unix_address(path, address)) {
    return Error{ErrorKind::kInvalidInput, "listen on", path, "the path is too long for a socket",
                 "Choose one of at most 107 bytes."};
  }
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode)) {
      return Error{ErrorKind::kConflict, "listen on", path, "it exists and is no socket", "Choose another path."};
    }
    const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (::connect(probe.get(), address.get(), address.length) == 0 || errno == EAGAIN) {
      return Error{ErrorKind::kConflict, "listen on", path, "another process listens there",
                   "End it, or choose another path."};
    }
    ::unlink(path.c_str());
  }
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return system_error("make a socket for", path, errno);
  // Nobody can connect between bind and listen, so the mode is set in time.
  if (::bind(fd.get(), address.get(), address.length) != 0 || ::chmod(path.c_str(), 0600) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    return system_error("listen on", path, errno);
  }
  return fd;
}

void allow_descriptors(std::size_t count) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= count) return;
  limit.rlim_cur = std::min<rlim_t>(count, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

bool is_loopback(const std::string& host) {
  Address address;
  if (!parse_address(host, 0, address)) return false;
  if (address.get()->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
  }
  return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr);
}

std::uint16_t port_of(int fd) {
  Address address;
  address.length = sizeof address.storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length) != 0) return 0;
  if (address.get()->sa_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port);
  if (address.get()->sa_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_port);
  return 0;
}

std::string peer_of(int fd) {
  Address address;
  address.length = sizeof address.storage;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length) != 0) return "unknown";
  char text[INET6_ADDRSTRLEN] = "unknown";
  if (address.get()->sa_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(&address.storage)->sin_addr, text, sizeof text);
  } else if (address.get()->sa_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_addr, text, sizeof text);
  } else if (address.get()->sa_family == AF_UNIX) {
    ucred credentials{};
    socklen_t length = sizeof credentials;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0) {
      return "unix:" + std::to_string(credentials.uid);
    }
  }
  return text;
}

}  // namespace logstone::http
