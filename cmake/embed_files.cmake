# Writes the source of logstone_embed: every byte as an escape, so that any file can be embedded.
string(REPLACE "|" ";" files "${FILES}")
set(entries "")
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME)
  file(READ "${file}" hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "(..)" "\\\\x\\1" escaped "${hex}")
  string(APPEND entries "    {\"${name}\", std::string_view(\"${escaped}\", ${size})},\n")
endforeach()
file(WRITE "${OUTPUT}" "// Generated.
#include \"serve/assets.h\"

namespace logstone {
namespace {
const EmbeddedFile kFiles[] = {
${entries}};
}  // namespace
std::span<const EmbeddedFile> files_of_${TARGET}();
std::span<const EmbeddedFile> files_of_${TARGET}() { return kFiles; }
}  // namespace logstone
")
