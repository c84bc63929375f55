// How the parts of object keys become names that a filesystem takes, and back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace logstone::filesystem_names {

/// An object whose key is also the folder of other keys ("a" beside "a/b") has this after its name.
inline constexpr std::string_view kObjectMark = "%o";
/// A folder that holds the rest of a part that is too long for one name has this after its name.
inline constexpr std::string_view kContinuedMark = "%+";

/// The names, outermost first, of one part of a key: nearly always one, the part itself. "%" becomes "%25"; what is
/// longer than a filesystem takes is cut, and all names but the last carry kContinuedMark.
[[nodiscard]] std::vector<std::string> names_of_part(std::string_view part);

/// The names of all folders above an object, then the object's own.
[[nodiscard]] std::vector<std::string> names_of_key(std::string_view key);

/// What a directory entry stands for.
struct EntryName {
  std::string text;        ///< The part of a key, or a piece of it; as in the key.
  bool continued = false;  ///< A folder in which the part goes on.
  bool marked = false;     ///< An object under its other name.
};
/// Reads a name back; nothing that names_of_part writes is read as anything else.
[[nodiscard]] EntryName read_name(std::string_view name);

}  // namespace logstone::filesystem_names
