// Any bytes as a segment: refused or read, never a crash; and what is read fits together.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "archive/block_metadata.h"
#include "archive/segment_reader.h"
#include "archive/segment_writer.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void read_all(const std::string& object) {
  const auto reader = logstone::SegmentReader::over(object, "input");
  const bool whole = logstone::check_segment(object, "input").has_value();
  if (!reader) {
    require(!whole);
    return;
  }
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < (*reader)->blocks().size(); ++i) {
    const auto raw = (*reader)->read_block(i);
    const auto pieces = (*reader)->read_pieces(i);
    require(!whole || (raw && pieces));
    if (!raw || !pieces) continue;
    require((*reader)->blocks()[i].first_byte == bytes || !whole);
    bytes += raw->size();
    std::uint64_t covered = 0;
    for (const auto& piece : *pieces) covered += piece.length;
    require(covered == raw->size());
  }
  const auto resumed = logstone::SegmentWriter::resume({}, object);
  require(resumed.has_value() == whole);
  if (resumed) require(resumed->bytes() == bytes);
}

/// Checksums stop nearly every mutation of a whole object, so the metadata's own parser is fed directly as well.
void read_metadata(std::string_view input) {
  const std::size_t half = input.size() / 2;
  for (const std::string_view raw : {std::string_view("one\ntwo\nthree\n"), input.substr(half)}) {
    const auto entries = logstone::BlockEntries::decode(input, raw);
    if (!entries) continue;
    const auto pieces = entries->place(raw, 0);
    if (!pieces) continue;
    std::uint64_t covered = 0;
    for (const auto& piece : *pieces) covered += piece.length;
    require(covered == raw.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  read_all(input);
  read_metadata(input);
  return 0;
}
