// Finds a stream's segments in a store by their keys.
#include <algorithm>
#include <utility>

#include "archive/layout.h"
#include "archive/log_view.h"
#include "base/bytes.h"

namespace logstone {
namespace {

struct Candidate {
  SegmentSpan span;
  ObjectInfo object;
};

/// Those that follow each other from byte 0: of several with one first byte the longest, none that lies in another, and
/// at the end perhaps one without bytes.
std::vector<Candidate> contiguous(std::vector<Candidate> all) {
  std::sort(all.begin(), all.end(), [](const Candidate& a, const Candidate& b) {
    return a.span.first_byte != b.span.first_byte ? a.span.first_byte < b.span.first_byte
                                                  : a.span.end_byte > b.span.end_byte;
  });
  std::vector<Candidate> out;
  std::uint64_t next = 0;
  bool at_empty_end = false;
  for (Candidate& candidate : all) {
    if (candidate.span.first_byte != next || at_empty_end) continue;
    next = candidate.span.end_byte;
    at_empty_end = candidate.span.first_byte == candidate.span.end_byte;
    out.push_back(std::move(candidate));
  }
  return out;
}

SegmentReference refer(const SegmentReader& reader, const ObjectInfo& object) {
  SegmentReference out;
  out.key = object.key;
  out.first_byte = reader.place().first_byte;
  out.bytes = reader.bytes();
  out.first_line = reader.place().first_line;
  out.lines = reader.lines();
  out.object_bytes = object.size;
  for (const BlockSummary& block : reader.blocks()) {
    if (!out.first_time || block.first_time < *out.first_time) out.first_time = block.first_time;
    if (!out.last_time || block.last_time > *out.last_time) out.last_time = block.last_time;
  }
  return out;
}

Result<StreamRecord> list_and_open(ObjectStore& store, const std::string& workflow_prefix,
                                   const StreamIdentity& stream) {
  LOGSTONE_ASSIGN(const auto objects, list_all(store, segments_prefix(workflow_prefix, stream)));
  std::vector<Candidate> candidates;
  for (const ObjectInfo& object : objects) {
    if (const auto span = parse_segment_key(object.key)) candidates.push_back({*span, object});
  }
  StreamRecord out;
  out.id = stream;
  bool ends_line = true;
  for (const Candidate& candidate : contiguous(std::move(candidates))) {
    LOGSTONE_ASSIGN(const auto reader, SegmentReader::open(store, candidate.object.key, candidate.object.size));
    SegmentReference segment = refer(*reader, candidate.object);
    if (segment.first_byte != candidate.span.first_byte ||
        segment.first_byte + segment.bytes != candidate.span.end_byte || segment.first_line != out.lines ||
        reader->place().stream != stream) {
      return Error{ErrorKind::kCorrupt, "read segment", segment.key,
                   "it is not the part of the stream that its key says",
                   "Restore the object from a copy of the store."};
    }
    out.bytes += segment.bytes;
    out.lines += segment.lines;
    if (!reader->blocks().empty()) ends_line = reader->blocks().back().ends_line;
    out.gaps.insert(out.gaps.end(), reader->gaps().begin(), reader->gaps().end());
    out.complete = reader->stream_ends();
    out.segments.push_back(std::move(segment));
    if (out.complete) break;
  }
  if (!ends_line) ++out.lines;
  return out;
}

}  // namespace

Result<StreamRecord> read_stream_from_store(ObjectStore& store, const std::string& workflow_prefix,
                                            const StreamIdentity& stream) {
  // A segment that was listed may be superseded and removed before it is opened: a new listing shows its successor.
  constexpr int kAttempts = 5;
  for (int attempt = 1;; ++attempt) {
    auto found = list_and_open(store, workflow_prefix, stream);
    if (found || found.error().kind != ErrorKind::kNotFound || attempt == kAttempts) return found;
  }
}

}  // namespace logstone
