// Files that are part of the program: the web page and the API's description (cmake/embed.cmake puts them in).
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace logstone {

struct EmbeddedFile {
  std::string_view name;  ///< Without folders.
  std::string_view bytes;
};

namespace serve {

[[nodiscard]] std::span<const EmbeddedFile> embedded_files();
/// Null when there is none of that name.
[[nodiscard]] const EmbeddedFile* find_embedded_file(std::string_view name);

}  // namespace serve
}  // namespace logstone
