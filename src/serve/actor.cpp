#include "serve/actor.h"

#include <pwd.h>

#include <array>
#include <cstdlib>

namespace logstone::serve {

std::string actor(const http::Call& call) {
  constexpr std::string_view kLocal = "unix:";
  if (!call.request.peer.starts_with(kLocal)) return "http:" + call.request.peer;
  const std::string id = call.request.peer.substr(kLocal.size());
  std::array<char, 4096> buffer;
  passwd entry;
  passwd* found = nullptr;
  getpwuid_r(static_cast<uid_t>(std::strtoul(id.c_str(), nullptr, 10)), &entry, buffer.data(), buffer.size(), &found);
  return "cli:" + (found != nullptr ? std::string(found->pw_name) : id);
}

}  // namespace logstone::serve
