// Where a segment's bytes are read from: a store, or memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "archive/segment_reader.h"

namespace logstone {

/// Ranged reads of one object. Thread-safe.
class SegmentSource {
 public:
  virtual ~SegmentSource() = default;
  /// Exactly bytes [offset, offset+length): fewer are kCorrupt.
  [[nodiscard]] virtual Result<std::string> read(std::uint64_t offset, std::uint64_t length) = 0;
};

/// As SegmentReader::over, without a copy: `object` outlives the reader.
[[nodiscard]] Result<std::shared_ptr<SegmentReader>> read_segment_in_place(std::string_view object,
                                                                           const std::string& name);
/// Every block, piece and checksum of an opened segment; `each_block` sees the raw text on the way (may be null).
[[nodiscard]] Result<> check_blocks(SegmentReader& reader, const std::string& name,
                                    const std::function<void(std::string_view raw)>& each_block);
[[nodiscard]] Error corrupt_segment(const std::string& name, std::string reason);

}  // namespace logstone
