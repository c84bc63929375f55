#include "agent/segment_mender.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "archive/segment_reader.h"

namespace logstone {
namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10;
constexpr auto kPatience = std::chrono::seconds(30);  ///< For a source that says there will be more, and is silent.

/// Woken by a reader's `more`; shared with it, as it may call late.
class Bell {
 public:
  void ring() {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    const bool rung = changed_.wait_for(lock, kPatience, [this] { return rung_; });
    rung_ = false;
    return rung;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool rung_ = false;
};

class Mender {
 public:
  Mender(Cluster& cluster, ObjectStore& store, SegmentSettings settings, const std::string& workflow_uid,
         const StreamRecord& stream, std::size_t index)
      : cluster_(cluster),
        store_(store),
        workflow_uid_(workflow_uid),
        stream_(stream),
        wanted_(stream.segments[index]),
        last_(index + 1 == stream.segments.size()),
        writer_(settings, SegmentPlace{stream.id, workflow_uid, wanted_.first_byte, wanted_.first_line}) {
    for (std::size_t before = index; before > 0; --before) {
      const SegmentReference& candidate = stream.segments[before - 1];
      const auto reader = SegmentReader::open(store, candidate.key, candidate.object_bytes);
      if (!reader) continue;
      cursor_ = (*reader)->cursor();
      at_ = candidate.first_byte + candidate.bytes;
      break;
    }
    for (const Gap& gap : stream.gaps) {
      const bool inside = gap.offset >= wanted_.first_byte && gap.offset < end();
      if (inside || (gap.offset == end() && (last_ || wanted_.bytes == 0))) gaps_.push_back(gap);
    }
  }

  Result<SegmentReference> mend() {
    const auto bell = std::make_shared<Bell>();
    LOGSTONE_ASSIGN(const auto reader, cluster_.open_log(workflow_uid_, stream_.id, cursor_, [bell] { bell->ring(); }));
    bool ended = false;
    while (at_ < end() || (last_ && !ended)) {
      // Towards the end piece by piece, so that the segment ends where it ended, with the cursor of that place.
      const std::uint64_t left = end() - std::min(at_, end());
      const std::size_t most = left > 2 * kReadBytes ? kReadBytes : 1;
      auto batch = reader->read(most);
      if (!batch && last_ && at_ == end() && batch.error().kind == ErrorKind::kNotFound) break;
      if (!batch) return std::move(batch).error();
      if (batch->pieces.empty() && !batch->gap && !batch->end) {
        if (!bell->wait()) return cannot("its source does not go on");
        continue;
      }
      LOGSTONE_TRY(take(*batch));
      cursor_ = batch->after;
      ended = batch->end;
      if (ended && at_ < end()) return cannot("its source ends earlier than it did");
    }
    add_gaps(end());
    return put();
  }

 private:
  [[nodiscard]] std::uint64_t end() const { return wanted_.first_byte + wanted_.bytes; }

  [[nodiscard]] Error cannot(std::string why) const {
    return Error{ErrorKind::kCorrupt, "capture a damaged segment again", wanted_.key, std::move(why), ""};
  }

  void add_gaps(std::uint64_t until) {
    while (next_gap_ < gaps_.size() && gaps_[next_gap_].offset <= until) writer_.add_gap(gaps_[next_gap_++]);
  }

  Result<> take(const LogBatch& batch) {
    if (batch.gap) {
      const bool known =
          std::any_of(stream_.gaps.begin(), stream_.gaps.end(), [&](const Gap& gap) { return gap.offset == at_; });
      if (!known) return cannot("its source no longer has those bytes");
    }
    for (const LogPiece& piece : batch.pieces) {
      const std::uint64_t length = piece.text.size() + (piece.ends_line ? 1 : 0);
      if (at_ + length <= wanted_.first_byte) {
        at_ += length;
        continue;
      }
      if (at_ < wanted_.first_byte || at_ + length > end()) return cannot("its source is cut into other pieces now");
      add_gaps(at_);
      writer_.append({&piece, 1});
      at_ += length;
    }
    return {};
  }

  Result<SegmentReference> put() {
    if (writer_.lines() != wanted_.lines) return cannot("its source has other lines now");
    const std::string object = writer_.object(cursor_, last_);
    LOGSTONE_ASSIGN(SegmentReference mended, describe_segment(wanted_.key, object));
    LOGSTONE_TRY(store_.put(wanted_.key, object));
    return mended;
  }

  Cluster& cluster_;
  ObjectStore& store_;
  const std::string& workflow_uid_;
  const StreamRecord& stream_;
  const SegmentReference& wanted_;
  const bool last_;
  std::uint64_t at_ = 0;  ///< Offset in the stream of what is read next.
  Cursor cursor_;
  SegmentWriter writer_;
  std::vector<Gap> gaps_;
  std::size_t next_gap_ = 0;
};

}  // namespace

Result<SegmentReference> mend_segment(Cluster& cluster, ObjectStore& store, SegmentSettings settings,
                                      const std::string& workflow_uid, const StreamRecord& stream, std::size_t index) {
  return Mender(cluster, store, settings, workflow_uid, stream, index).mend();
}

}  // namespace logstone
