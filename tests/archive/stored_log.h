// A stream in a store, cut into segments, with the model of what it holds.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "archive/layout.h"
#include "archive/segment_reader.h"
#include "base/bytes.h"
#include "tests/archive/log_model.h"
#include "tests/archive/memory_store.h"

namespace logstone::test {

inline const std::string kWorkflowPrefix = "v1/workflows/c/ns/2026-01-02/wf.uid/";

struct StoredLog {
  StreamRecord record;
  LogModel model;
};

inline SegmentReference store_segment(ObjectStore& store, const SegmentWriter& writer, const Cursor& cursor,
                                      bool ends) {
  const std::string object = writer.object(cursor, ends);
  const std::string key =
      segment_key(segments_prefix(kWorkflowPrefix, some_stream()), writer.place().first_byte, writer.end_byte());
  EXPECT_TRUE(store.put(key, object));
  auto reference = describe_segment(key, object);
  EXPECT_TRUE(reference);
  return *reference;
}

/// `pieces_per_segment`: how many pieces each segment takes.
inline StoredLog store_log(ObjectStore& store, PieceMaker& maker, const std::vector<std::size_t>& pieces_per_segment,
                           SegmentSettings settings) {
  StoredLog log;
  log.record.id = some_stream();
  SegmentWriter writer(settings, some_place());
  for (std::size_t i = 0; i < pieces_per_segment.size(); ++i) {
    log.model.gap_here = true;  // A segment's first piece begins an entry of its own.
    for (std::size_t left = pieces_per_segment[i]; left > 0; --left) {
      const LogPiece piece = maker.next();
      writer.append({&piece, 1});
      log.model.append(piece);
    }
    const bool last = i + 1 == pieces_per_segment.size();
    log.record.segments.push_back(store_segment(store, writer, {std::to_string(i)}, last));
    writer = SegmentWriter(settings, some_place(writer.end_byte(), writer.place().first_line + writer.lines()));
  }
  const std::string& raw = log.model.raw;
  log.record.complete = true;
  log.record.bytes = raw.size();
  log.record.lines = log.model.newlines() + (raw.empty() || raw.back() == '\n' ? 0 : 1);
  log.record.digest = Digest::hex_of(raw);
  return log;
}

}  // namespace logstone::test
