#include "agent/stream_capture.h"

#include <algorithm>
#include <utility>

#include "archive/layout.h"
#include "archive/segment_reader.h"
#include "base/log.h"

namespace logstone {
namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10;
constexpr std::size_t kQuantumBytes = std::size_t{1} << 20;  ///< After it, other streams have their turn.
constexpr std::size_t kDigestScratch = std::size_t{64} << 10;
constexpr std::size_t kMaxSuperseded = 64;  ///< What is forgotten beyond it is swept before verification.

}  // namespace

StreamCapture::StreamCapture(AgentContext& context, std::string workflow_uid, std::string workflow_prefix,
                             StreamIdentity stream, std::function<void()> finished)
    : context_(context),
      workflow_uid_(std::move(workflow_uid)),
      workflow_prefix_(std::move(workflow_prefix)),
      segments_prefix_(segments_prefix(workflow_prefix_, stream)),
      stream_(std::move(stream)),
      finished_call_(std::move(finished)),
      log_(std::make_shared<StreamLog>(context.parts.store, context.parts.cache, context.settings.segment,
                                       workflow_uid_, stream_)),
      read_backoff_(context.settings.retry_first, context.settings.retry_last),
      store_backoff_(context.settings.retry_first, context.settings.retry_last) {}

StreamCapture::~StreamCapture() = default;

std::shared_ptr<StreamCapture> StreamCapture::start(AgentContext& context, std::string workflow_uid,
                                                    std::string workflow_prefix, StreamIdentity stream,
                                                    std::function<void()> finished) {
  std::shared_ptr<StreamCapture> capture(new StreamCapture(context, std::move(workflow_uid), std::move(workflow_prefix),
                                                           std::move(stream), std::move(finished)));
  capture->item_ = context.capture_queue.make_item([weak = std::weak_ptr<StreamCapture>(capture)] {
    if (const auto self = weak.lock()) self->run();
  });
  capture->item_->soon();
  return capture;
}

void StreamCapture::source_gone() {
  if (!gone_.exchange(true)) item_->soon();
}

std::optional<StreamRecord> StreamCapture::finished_record() const {
  const std::lock_guard lock(finished_mutex_);
  return finished_;
}

std::optional<SteadyTime> StreamCapture::oldest_pending() const {
  const std::int64_t oldest = oldest_pending_;
  if (oldest == 0) return std::nullopt;
  return SteadyTime(Nanoseconds(oldest));
}

void StreamCapture::report(const char* what, const Error& error) {
  std::string message = error.message();
  if (message == reported_) return;
  reported_ = std::move(message);
  log_warning(what, {{"workflow", workflow_uid_}, {"stream", stream_.key()}, {"error", reported_}});
}

void StreamCapture::run() {
  if (finished_record()) return;
  if (!recovered_) {
    if (steady_now() < store_not_before_) return item_->after(store_not_before_ - steady_now());
    if (auto recovered = recover(); !recovered) {
      ++context_.counters.store_failures;
      report("cannot go on with a stream yet", recovered.error());
      const Nanoseconds delay = store_backoff_.next();
      store_not_before_ = steady_now() + delay;
      return item_->after(delay);
    }
    store_backoff_.reset();
    recovered_ = true;
  }
  const Progress progress = read_some();
  const auto oldest = oldest_pending();
  const bool old = oldest && steady_now() >= *oldest + context_.settings.segment_age;
  if (dirty_ && (ended_ || old || full())) make_durable();
  if (ended_ && !dirty_ && finish()) return;
  schedule(progress);
}

void StreamCapture::schedule(Progress progress) {
  const SteadyTime now = steady_now();
  SteadyTime next = SteadyTime::max();
  if (progress == Progress::kMore) next = now;
  if (progress == Progress::kFailed) next = read_not_before_;
  if (gone_since_ && !ended_) next = std::min(next, *gone_since_ + context_.settings.segment_age);
  if (dirty_) {
    const bool at_once = ended_ || full() || !oldest_pending();
    const SteadyTime due = at_once ? now : *oldest_pending() + context_.settings.segment_age;
    next = std::min(next, std::max(due, store_not_before_));
  } else if (ended_) {
    next = std::min(next, store_not_before_);
  } else if (progress == Progress::kBlocked) {
    next = now;
  }
  // Otherwise the reader calls when there is more.
  if (next != SteadyTime::max()) item_->after(std::max(next - now, Nanoseconds::zero()));
}

Result<> StreamCapture::recover() {
  ObjectStore& store = context_.parts.store;
  auto stored = read_stream_from_store(store, workflow_prefix_, stream_);
  if (!stored && stored.error().kind == ErrorKind::kCorrupt) {
    const Error damage = std::move(stored).error();
    report("a damaged segment is captured again", damage);
    LOGSTONE_TRY(quarantine_from(damage.subject));
    return damage;  // The next try finds what is left.
  }
  if (!stored) return std::move(stored).error();
  std::optional<SegmentWriter> open;
  if (!stored->segments.empty()) {
    const std::string key = stored->segments.back().key;
    LOGSTONE_ASSIGN(const std::string object, store.get(key));
    auto reader = SegmentReader::over(object, key);
    auto writer = SegmentWriter::resume(context_.settings.segment, object);
    auto segment = describe_segment(key, object);
    if (!reader || !writer || !segment) {
      const Error damage = !reader ? reader.error() : !writer ? writer.error() : segment.error();
      report("a damaged segment is captured again", damage);
      LOGSTONE_TRY(quarantine_from(key));
      return damage;
    }
    cursor_ = (*reader)->cursor();
    ended_ = (*reader)->stream_ends();
    open = *std::move(writer);
    open_segment_ = *std::move(segment);
    open_first_ = open_segment_->first_byte;
    end_byte_ = durable_end_ = open->end_byte();
    stored->segments.pop_back();
  }
  std::vector<Gap> closed_gaps;
  for (const Gap& gap : stored->gaps) {
    const bool of_open = open && std::find(open->gaps().begin(), open->gaps().end(), gap) != open->gaps().end();
    if (open && !of_open && gap.offset <= open_first_) closed_gaps.push_back(gap);
  }
  bool ends_in_line = false;
  if (open && open->bytes() > 0) {
    ends_in_line = open->read(open->bytes() - 1, 1) != "\n";
  } else if (!stored->segments.empty() && end_byte_ > 0) {
    const auto closed = open_archived_log(store, context_.parts.cache, *stored);
    const auto last = closed->read(end_byte_ - 1, 1);
    if (!last) return last.error();
    ends_in_line = *last != "\n";
  }
  if (end_byte_ == 0) digest_.emplace();
  log_->resume(std::move(stored->segments), std::move(closed_gaps), std::move(open), ends_in_line);
  if (ended_) log_->end();
  return {};
}

/// Puts a damaged segment and all that follow it aside: capture goes on before them, and what it finds now need not fit
/// to them. Nothing is thrown away, as a person may still get something out of them.
Result<> StreamCapture::quarantine_from(const std::string& damaged_key) {
  ObjectStore& store = context_.parts.store;
  LOGSTONE_ASSIGN(const std::vector<ObjectInfo> objects, list_all(store, segments_prefix_));
  const auto damaged = parse_segment_key(damaged_key);
  for (const ObjectInfo& object : objects) {
    const auto span = parse_segment_key(object.key);
    const bool aside = object.key == damaged_key || (damaged && span && span->first_byte > damaged->first_byte);
    if (!aside) continue;
    const std::string name = object.key.substr(object.key.rfind('/') + 1);
    LOGSTONE_ASSIGN(const std::string bytes, store.get(object.key));
    LOGSTONE_TRY(store.put(workflow_prefix_ + "damaged/" + stream_.key() + "/" + name, bytes));
    LOGSTONE_TRY(store.remove(object.key));
  }
  return {};
}

Result<LogBatch> StreamCapture::next_batch() {
  if (!reader_) {
    LOGSTONE_ASSIGN(reader_,
                    context_.parts.cluster.open_log(workflow_uid_, stream_, cursor_, [item = item_] { item->soon(); }));
  }
  return reader_->read(kReadBytes);
}

StreamCapture::Progress StreamCapture::read_some() {
  if (ended_) return Progress::kDrained;
  if (steady_now() < read_not_before_) return Progress::kFailed;
  const std::uint64_t stop_at = end_byte_ + kQuantumBytes;
  while (end_byte_ < stop_at) {
    if (dirty_ && full() && !make_durable() && pending() >= 2 * context_.settings.segment_bytes) {
      return Progress::kBlocked;
    }
    const auto batch = next_batch();
    if (!batch && batch.error().kind == ErrorKind::kNotFound) {
      end_with_gap("the log was gone before its end was read");
      return Progress::kDrained;
    }
    if (!batch) {
      report("cannot read a log", batch.error());
      reader_.reset();
      read_not_before_ = steady_now() + read_backoff_.next();
      return Progress::kFailed;
    }
    read_backoff_.reset();
    if (batch->pieces.empty() && !batch->gap && !batch->end) {
      cursor_ = batch->after;
      if (!gone_) return Progress::kDrained;
      if (!gone_since_) gone_since_ = steady_now();
      if (steady_now() >= *gone_since_ + context_.settings.segment_age) {
        end_with_gap("the pod was gone before the end of its log was read");
      }
      return Progress::kDrained;
    }
    take(*batch);
    if (ended_) return Progress::kDrained;
  }
  return Progress::kMore;
}

void StreamCapture::take(const LogBatch& batch) {
  if (open_segment_ && !dirty_ && full() && (batch.gap || !batch.pieces.empty())) {
    log_->close_segment(*open_segment_);
    open_segment_.reset();
    open_first_ = end_byte_;
  }
  if (batch.gap) {
    Gap gap = *batch.gap;
    if (gap.noticed == Timestamp{}) gap.noticed = context_.parts.clock.now();
    log_->add_gap(std::move(gap));
    ++context_.counters.gaps;
  }
  std::uint64_t bytes = 0;
  std::uint64_t lines = 0;
  for (const LogPiece& piece : batch.pieces) {
    bytes += piece.text.size() + (piece.ends_line ? 1 : 0);
    lines += piece.ends_line ? 1 : 0;
    if (!digest_) continue;
    digest_scratch_ += piece.text;
    if (piece.ends_line) digest_scratch_ += '\n';
    if (digest_scratch_.size() >= kDigestScratch) {
      digest_->update(digest_scratch_);
      digest_scratch_.clear();
    }
  }
  end_byte_ += bytes;
  cursor_ = batch.after;
  if (batch.end) ended_ = true;
  mark_dirty();
  context_.counters.bytes_captured += bytes;
  context_.counters.lines_captured += lines;
  log_->append(batch.pieces);
  if (ended_) log_->end();
}

void StreamCapture::end_with_gap(const std::string& reason) {
  LogBatch last;
  last.gap.emplace();
  last.gap->reason = reason;
  last.after = cursor_;
  last.end = true;
  take(last);
}

void StreamCapture::mark_dirty() {
  dirty_ = true;
  pending_bytes_ = pending();
  if (oldest_pending_ == 0) oldest_pending_ = steady_now().time_since_epoch().count();
}

bool StreamCapture::make_durable() {
  if (steady_now() < store_not_before_) return false;
  const StreamLog::OpenObject object = log_->open_object(cursor_);
  const std::string key = segment_key(segments_prefix_, object.first_byte, object.end_byte);
  auto segment = describe_segment(key, object.bytes);
  if (segment) {
    if (auto put = context_.parts.store.put(key, object.bytes); !put) segment = std::move(put).error();
  }
  if (!segment) {
    ++context_.counters.store_failures;
    report("cannot make a log durable yet", segment.error());
    store_not_before_ = steady_now() + store_backoff_.next();
    return false;
  }
  store_backoff_.reset();
  reported_.clear();
  ++context_.counters.segments_written;
  context_.counters.segment_bytes_written += object.bytes.size();
  if (open_segment_ && open_segment_->key != key && superseded_.size() < kMaxSuperseded) {
    superseded_.push_back(open_segment_->key);
  }
  open_segment_ = *std::move(segment);
  durable_end_ = object.end_byte;
  dirty_ = false;
  pending_bytes_ = 0;
  oldest_pending_ = 0;
  remove_superseded();
  return true;
}

void StreamCapture::remove_superseded() {
  std::erase_if(superseded_, [&](const std::string& key) {
    const bool removed = context_.parts.store.remove(key).has_value();
    if (!removed) ++context_.counters.store_failures;
    return removed;
  });
}

/// The digests that only the stored objects can tell, when an earlier process wrote some of them. Damage leaves them
/// empty: verification finds it, mends what can be mended, and computes the stream's digest then.
Result<> StreamCapture::digest_from_store(StreamRecord& record) {
  Digest digest;
  bool whole = true;
  for (SegmentReference& segment : record.segments) {
    const auto object = context_.parts.store.get(segment.key);
    if (!object && object.error().retryable()) return object.error();
    const auto reader = object ? SegmentReader::over(*object, segment.key) : object.error();
    auto described = reader ? describe_segment(segment.key, *object) : Result<SegmentReference>(reader.error());
    whole = whole && described;
    for (std::size_t i = 0; whole && i < (*reader)->blocks().size(); ++i) {
      const auto text = (*reader)->read_block(i);
      whole = text.has_value();
      if (text) digest.update(*text);
    }
    if (described && segment.object_digest.empty()) segment = *std::move(described);
  }
  if (whole) record.digest = digest.hex();
  return {};
}

bool StreamCapture::finish() {
  StreamRecord record = log_->record(open_segment_);
  if (digest_) {
    digest_->update(std::exchange(digest_scratch_, {}));
    record.digest = digest_->hex();
  } else if (auto digested = digest_from_store(record); !digested) {
    ++context_.counters.store_failures;
    report("cannot read a stream back yet", digested.error());
    store_not_before_ = steady_now() + store_backoff_.next();
    return false;
  }
  reader_.reset();
  log_->settle(record);
  {
    const std::lock_guard lock(finished_mutex_);
    finished_ = std::move(record);
  }
  finished_call_();
  return true;
}

void StreamCapture::flush() {
  reader_.reset();
  if (!recovered_ || !dirty_) return;
  store_not_before_ = {};
  if (!make_durable()) {
    log_warning("a stream's last bytes are not durable: they are captured again at the next start",
                {{"workflow", workflow_uid_}, {"stream", stream_.key()}});
  }
}

}  // namespace logstone
