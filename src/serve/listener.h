// Listening sockets: TCP and Unix. Descriptors are non-blocking and closed on exec: the program starts others.
#pragma once

#include <cstdint>
#include <string>

#include "base/file.h"
#include "base/result.h"

namespace logstone::http {

/// `host`: an address or `localhost`. kConflict when the port is taken; kInvalidInput when it is no address.
[[nodiscard]] Result<UniqueFd> listen_tcp(const std::string& host, std::uint16_t port);
/// A socket file of mode 0600. One that nobody listens on any more is replaced; kConflict when somebody does, or when
/// the path is something else.
[[nodiscard]] Result<UniqueFd> listen_unix(const std::string& path);

/// Raises the process's own limit of open descriptors towards `count`, as far as the system allows: the usual 1,024
/// would be the real limit of connections.
void allow_descriptors(std::size_t count);
[[nodiscard]] bool is_loopback(const std::string& host);
[[nodiscard]] std::uint16_t port_of(int fd);
/// Who is at the other end: an address, or "unix:<user id>".
[[nodiscard]] std::string peer_of(int fd);

}  // namespace logstone::http
