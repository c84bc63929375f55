// Responses' first lines and headers, and names of hosts, as HTTP/1.1 writes them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "serve/http.h"

namespace logstone::http {

/// How a response is put on the wire.
struct Framing {
  int version = 11;  ///< 10 or 11: the request's.
  bool keep_alive = true;
  bool head_only = false;
  [[nodiscard]] bool can_chunk() const { return version >= 11; }
};

/// All up to the empty line. Control characters in values become blanks.
[[nodiscard]] std::string response_head(const Response& response, const Framing& framing);
/// A Host header without its port, in lower case.
[[nodiscard]] std::string host_name(std::string_view host);
[[nodiscard]] std::string lower_case(std::string_view text);

}  // namespace logstone::http
