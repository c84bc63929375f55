#include "adopt/log_copy.h"

#include <algorithm>

#include "archive/layout.h"
#include "archive/record_store.h"
#include "archive/segment_reader.h"
#include "base/bytes.h"

namespace logstone::adopt {
namespace {

constexpr std::uint64_t kSegmentBytes = std::uint64_t{16} << 20;
constexpr std::size_t kReadBytes = std::size_t{256} << 10;

/// The pieces of raw bytes. A line that goes on in the next bytes is not ended.
std::vector<LogPiece> pieces_of(std::string_view bytes, Timestamp time) {
  std::vector<LogPiece> pieces;
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    const bool ends = newline != std::string_view::npos;
    pieces.push_back({time, Output::kStdout, ends, bytes.substr(0, newline)});
    bytes.remove_prefix(ends ? newline + 1 : bytes.size());
  }
  return pieces;
}

}  // namespace

Result<StreamRecord> copy_log(LogView& log, const CopyTarget& target, const StreamIdentity& stream, Timestamp time) {
  StreamRecord record;
  record.id = stream;
  record.complete = true;
  const std::string prefix = segments_prefix(workflow_prefix(target.workflow, target.created), stream);
  Digest digest;
  std::uint64_t newlines = 0;
  bool ends_line = true;
  const std::uint64_t end = log.extent().bytes;
  std::uint64_t offset = 0;
  while (offset < end) {
    SegmentWriter writer(target.segment, {stream, target.workflow.uid, offset, newlines});
    while (offset < end && writer.bytes() < kSegmentBytes) {
      LOGSTONE_ASSIGN(const std::string bytes, log.read(offset, kReadBytes));
      if (bytes.empty()) {
        return Error{ErrorKind::kCorrupt, "copy log of pod", stream.pod_name,
                     "nothing came at byte " + std::to_string(offset) + " of " + std::to_string(end), ""};
      }
      writer.append(pieces_of(bytes, time));
      digest.update(bytes);
      newlines += static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
      ends_line = bytes.back() == '\n';
      offset += bytes.size();
    }
    if (offset >= end) {
      for (Gap gap : log.gaps()) writer.add_gap(std::move(gap));
    }
    const std::string key = segment_key(prefix, writer.place().first_byte, writer.end_byte());
    const std::string object = writer.object({}, offset >= end);
    LOGSTONE_ASSIGN(SegmentReference reference, describe_segment(key, object));
    LOGSTONE_TRY(target.store.put(key, object));
    record.segments.push_back(std::move(reference));
  }
  record.bytes = offset;
  record.lines = newlines + (ends_line ? 0 : 1);
  record.digest = digest.hex();
  record.gaps = log.gaps();

  WorkflowRecord whole;
  whole.id = target.workflow;
  whole.created = target.created;
  whole.streams.push_back(record);
  LOGSTONE_ASSIGN(const std::vector<Damage> damage, verify_record(target.store, whole));
  if (!damage.empty()) {
    return Error{ErrorKind::kCorrupt, "copy log of pod", stream.pod_name,
                 damage.front().key + " is not what was written: " + damage.front().what, "Run it again."};
  }
  return record;
}

}  // namespace logstone::adopt
