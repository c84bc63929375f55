// Who asks, for the audit.
#pragma once

#include <string>

#include "serve/router.h"

namespace logstone::serve {

/// A user of this machine, whom the kernel vouches for, by name ("cli:alice"); others by their address ("http:...").
[[nodiscard]] std::string actor(const http::Call& call);

}  // namespace logstone::serve
