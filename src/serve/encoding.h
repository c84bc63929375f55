// Compresses bodies on their way out.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "serve/http.h"
#include "serve/negotiation.h"

namespace logstone::http {

/// "gzip", "zstd"; empty for identity.
[[nodiscard]] const char* to_string(Encoding encoding);
/// Gives what `plain` gives, compressed. With `flush_each` every chunk can be decoded as soon as it arrives: for
/// bodies that are followed. `plain` itself for identity.
[[nodiscard]] std::unique_ptr<BodySource> encode(std::unique_ptr<BodySource> plain, Encoding encoding, bool flush_each);
/// Compresses a whole body and says so in its headers; leaves small ones, sources and identity alone.
void encode_whole(Response& response, Encoding encoding);

}  // namespace logstone::http
