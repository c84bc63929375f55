// A record that is read must be written and read back as the same; nothing else may happen.
#include <cstdlib>
#include <string_view>

#include "cluster/nodefiles/cri_record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace logstone;
  static CriRecordParser parser;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const auto piece = parser.parse(line);
    const auto plain = parse_cri_record(line);
    if (piece.has_value() != plain.has_value()) std::abort();
    if (!piece) continue;
    if (piece->text.data() + piece->text.size() != line.data() + line.size()) std::abort();
    std::string written;
    append_cri_record(written, *piece);
    const auto back = parse_cri_record(std::string_view(written).substr(0, written.size() - 1));
    if (!back || back->time != plain->time || back->text != plain->text || back->output != plain->output ||
        back->ends_line != plain->ends_line) {
      std::abort();
    }
  }
  return 0;
}
