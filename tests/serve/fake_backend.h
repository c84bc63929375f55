// A program behind the server that lives in memory: its logs grow when a test says so.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>

#include "serve/backend.h"

namespace logstone::testing {

inline Timestamp at_second(std::int64_t seconds) { return from_unix_nanoseconds(seconds * 1'000'000'000); }

/// Thread-safe. Reads never cross a multiple of `block`. What is appended holds no newlines of its own.
class FakeLog final : public LogView {
 public:
  explicit FakeLog(std::size_t block = 1 << 20) : block_(block) {}

  void append(Timestamp time, std::string_view text, bool ends_line = true, Output output = Output::kStdout) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t offset = bytes_.size();
    if (offset == 0 || bytes_.back() == '\n') line_starts_.push_back(offset);
    bytes_ += text;
    if (ends_line) bytes_ += '\n';
    pieces_.push_back({offset, bytes_.size() - offset, time, output, ends_line});
    wake();
  }
  /// Many bytes at once, as one piece a line; one second between lines, from second 1000.
  void fill(std::string_view text) {
    std::int64_t second = 1000;
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      append(at_second(second++), text.substr(0, end), end != std::string_view::npos);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
  }
  void lose(std::string reason, std::optional<std::uint64_t> lost = {}) {
    const std::lock_guard lock(mutex_);
    gaps_.push_back({bytes_.size(), lost, std::move(reason), at_second(2000)});
  }
  void complete() {
    const std::lock_guard lock(mutex_);
    complete_ = true;
    wake();
  }
  void fail_reads_from(std::uint64_t offset) {
    const std::lock_guard lock(mutex_);
    failing_from_ = offset;
  }

  LogExtent extent() override {
    const std::lock_guard lock(mutex_);
    return {bytes_.size(), line_starts_.size(), complete_};
  }
  std::vector<Gap> gaps() override {
    const std::lock_guard lock(mutex_);
    return gaps_;
  }
  Result<std::string> read(std::uint64_t offset, std::size_t max) override {
    const std::lock_guard lock(mutex_);
    if (offset >= failing_from_)
      return Error{ErrorKind::kCorrupt, "read object", "v1/segment", "its checksum differs", {}};
    if (offset >= bytes_.size()) return std::string();
    bytes_read_ += std::min<std::uint64_t>(max, bytes_.size() - offset);
    return bytes_.substr(offset, std::min<std::uint64_t>(max, block_ - offset % block_));
  }
  Result<std::vector<PlacedPiece>> pieces(std::uint64_t offset, std::uint64_t length) override {
    const std::lock_guard lock(mutex_);
    std::vector<PlacedPiece> out;
    for (const PlacedPiece& piece : pieces_) {
      if (piece.offset < offset + length && piece.offset + piece.length > offset) out.push_back(piece);
    }
    return out;
  }
  Result<std::uint64_t> find_line(std::uint64_t line) override {
    const std::lock_guard lock(mutex_);
    return line < line_starts_.size() ? line_starts_[line] : bytes_.size();
  }
  Result<std::uint64_t> find_time(Timestamp time) override {
    const std::lock_guard lock(mutex_);
    for (const PlacedPiece& piece : pieces_) {
      if (piece.time >= time && (piece.offset == 0 || bytes_[piece.offset - 1] == '\n')) return piece.offset;
    }
    return bytes_.size();
  }
  Result<std::uint64_t> find_tail(std::uint64_t lines) override {
    const std::lock_guard lock(mutex_);
    if (lines == 0) return bytes_.size();
    return lines >= line_starts_.size() ? 0 : line_starts_[line_starts_.size() - lines];
  }
  std::shared_ptr<void> notify(std::uint64_t bytes, std::function<void()> grown) override {
    const std::lock_guard lock(mutex_);
    const std::uint64_t id = ++last_waiter_;
    waiters_[id] = {bytes, std::move(grown)};
    wake();
    changed_.notify_all();
    return std::shared_ptr<void>(nullptr, [this, id](void*) {
      const std::lock_guard again(mutex_);
      waiters_.erase(id);
      changed_.notify_all();
    });
  }

  /// False when it does not come to that within 30 s.
  [[nodiscard]] bool wait_for_waiters(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return waiters_.size() == count; });
  }
  [[nodiscard]] std::uint64_t bytes_read() {
    const std::lock_guard lock(mutex_);
    return bytes_read_;
  }

 private:
  struct Waiter {
    std::uint64_t bytes;
    std::function<void()> grown;
  };
  void wake() {
    for (auto& [id, waiter] : waiters_) {
      if (waiter.grown && (bytes_.size() > waiter.bytes || complete_)) std::exchange(waiter.grown, nullptr)();
    }
  }
  const std::size_t block_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string bytes_;
  std::vector<std::uint64_t> line_starts_;
  std::vector<PlacedPiece> pieces_;
  std::vector<Gap> gaps_;
  std::map<std::uint64_t, Waiter> waiters_;
  std::uint64_t last_waiter_ = 0;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t failing_from_ = UINT64_MAX;
  bool complete_ = false;
};

/// Knows the workflow `train-x7k2p` (namespace `team-a`) with one pod; remembers what it was asked for.
class FakeBackend final : public Backend {
 public:
  static constexpr const char* kUid = "7c1f2f1e-0000-4000-8000-000000000001";

  FakeBackend() : log(std::make_shared<FakeLog>()) {
    known.id = {"local", "team-a", "train-x7k2p", kUid};
    known.state = LifecycleState::kDeleted;
    known.generation = 7;
    known.phase = Phase::kSucceeded;
    known.message = "all \xff well";  // No UTF-8: must not break JSON.
    known.problem = "none that matters";
    known.labels = {{"pipeline/runid", "run-1"}};
    known.annotations = {{"note", "kept"}};
    known.created = at_second(1000);
    known.started = at_second(1001);
    known.finished = at_second(1100);
    known.verified = at_second(1101);
    known.deleted = at_second(1102);
    known.expires = at_second(9000);
    Node node;
    node.id = "train-x7k2p-123";
    node.name = "train-x7k2p[0].fit";
    node.display_name = "fit";
    node.type = "Pod";
    node.template_name = "fit";
    node.phase = Phase::kSucceeded;
    node.message = "done";
    node.boundary_id = "train-x7k2p";
    node.children = {"train-x7k2p-456"};
    node.pod_name = "train-x7k2p-fit-123";
    node.started = at_second(1001);
    node.finished = at_second(1099);
    node.exit_code = 0;
    known.nodes = {node};
    StreamRecord stream;
    stream.id = {node.id, node.pod_name, "0a1b2c3d-0000-4000-8000-000000000002", "main", 0};
    stream.complete = true;
    stream.bytes = 100;
    stream.lines = 3;
    stream.digest = "00000000000000000000000000000000";
    stream.end_reason = "Completed";
    stream.exit_code = 0;
    stream.segments = {{"v1/seg", 0, 100, 0, 3, 60, "d", at_second(1001), at_second(1002)}};
    stream.gaps = {{50, 12, "rotated away before it was read", at_second(1050)}};
    StreamRecord adopted;
    adopted.id = {node.id, node.pod_name, "", "side", 0};
    adopted.complete = true;
    adopted.bytes = 5;
    adopted.external = {"s3://mlpipeline", "train/side.log", 5, at_second(1050)};
    known.streams = {stream, adopted};
    known.audit = {{at_second(1101), "agent", "verified", "1 stream"}};
    known.manifest_json = R"({"kind":"Workflow","spec":{"x":1}})";
  }

  [[nodiscard]] std::string stream_key() const { return known.streams.front().id.key(); }
  [[nodiscard]] std::string log_path() const { return "/api/v1/workflows/train-x7k2p/log/" + stream_key(); }

  Result<AdoptionAnswer> adopt(const AdoptionQuery& query) override {
    const std::lock_guard lock(mutex);
    if (failure) return *failure;
    AdoptionAnswer answer;
    answer.source = "s3://mlpipeline";
    answer.counts = {{"objects", query.limit}, {"adopted", query.dry_run ? 1 : 2}};
    answer.workflows = {{known.id, 2}};
    answer.problems = {"one"};
    answer.cursor = query.cursor.empty() ? "0:next" : "";
    return answer;
  }
  Result<WorkflowPage> list(const WorkflowQuery& query) override {
    const std::lock_guard lock(mutex);
    last_query = query;
    if (failure) return *failure;
    WorkflowPage page;
    page.workflows = {summary()};
    page.next_page_token = query.page_token.empty() ? "next" : "";
    return page;
  }
  Result<WorkflowRecord> record(const std::string& uid) override {
    const std::lock_guard lock(mutex);
    if (failure) return *failure;
    if (uid != kUid) return missing(uid);
    return known;
  }
  Result<WorkflowSummary> resolve(const std::string& workflow) override {
    const std::lock_guard lock(mutex);
    if (failure) return *failure;
    if (workflow == "two") return Error{ErrorKind::kInvalidInput, "find workflow", "two", "it fits two", "Name one."};
    if (workflow == "@latest" || workflow == "train-x7k2p" || workflow == "team-a/train-x7k2p" || workflow == kUid ||
        (workflow.size() > 3 && known.id.name.starts_with(workflow))) {
      return summary();
    }
    return missing(workflow);
  }
  Result<std::shared_ptr<LogView>> open_log(const std::string& uid, const std::string& key) override {
    if (uid != kUid || key != stream_key()) return missing(key);
    return std::shared_ptr<LogView>(log);
  }
  Result<FoundLog> find_pod_log(const PodLogQuery& query) override {
    const std::lock_guard lock(mutex);
    last_pod = query;
    if (failure) return *failure;
    if (query.pod_name != known.nodes[0].pod_name) {
      return Error{
          ErrorKind::kNotFound,
          "find the log of pod",
          query.pod_name,
          "no place has it; tried:\nthe catalogue: nothing\nthe key format artifacts/{{workflow.name}}: no object",
          {}};
    }
    return FoundLog{log, known.id, known.streams[0].id, "archive"};
  }
  Result<std::vector<std::pair<std::string, std::string>>> verify(const std::string&) override {
    const std::lock_guard lock(mutex);
    return damage;
  }
  Result<WorkflowRecord> hold(const std::string& uid, const std::string& reason, const std::string& actor) override {
    const std::lock_guard lock(mutex);
    if (uid != kUid) return missing(uid);
    known.hold = LegalHold{reason, actor, at_second(3000)};
    return known;
  }
  Result<WorkflowRecord> unhold(const std::string&, const std::string& reason, const std::string& actor) override {
    const std::lock_guard lock(mutex);
    known.hold.reset();
    known.audit.push_back({at_second(3001), actor, "unheld", reason});
    return known;
  }
  Result<WorkflowRecord> retain(const std::string&, std::optional<Nanoseconds> keep, const std::string& reason,
                                const std::string&) override {
    const std::lock_guard lock(mutex);
    known.retention = RetentionOverride{keep, reason};
    return known;
  }
  Result<> remove(const std::string&, const std::string& reason, const std::string& actor) override {
    const std::lock_guard lock(mutex);
    if (known.hold) return Error{ErrorKind::kConflict, "remove", "train-x7k2p", "it is held", "Lift the hold first."};
    removed = actor + ": " + reason;
    return {};
  }
  Result<AuditPage> audit(const AuditQuery& query) override {
    const std::lock_guard lock(mutex);
    last_audit = query;
    return AuditPage{{{known.id, known.audit[0]}}, query.page_token.empty() ? "more" : ""};
  }
  std::vector<Metric> metrics() override {
    return {{"logstone_archived_bytes_total", "Raw bytes\narchived.", true, 12345678901.0},
            {"logstone_running_workflows", "Workflows that run.", false, 2}};
  }
  Result<> ready() override {
    const std::lock_guard lock(mutex);
    if (failure) return *failure;
    return {};
  }

  [[nodiscard]] WorkflowSummary summary() const {
    WorkflowSummary out;
    out.id = known.id;
    out.state = known.state;
    out.phase = known.phase;
    out.message = known.message;
    out.problem = known.problem;
    out.labels = known.labels;
    out.created = known.created;
    out.started = known.started;
    out.finished = known.finished;
    out.expires = known.expires;
    out.held = known.hold.has_value();
    out.streams = 1;
    out.gaps = 1;
    out.bytes = 100;
    out.object_bytes = 60;
    return out;
  }
  static Error missing(const std::string& what) {
    return Error{ErrorKind::kNotFound, "find", what, "there is none", "List with /api/v1/workflows."};
  }

  std::mutex mutex;  ///< Of everything below.
  WorkflowRecord known;
  std::shared_ptr<FakeLog> log;
  std::optional<Error> failure;
  WorkflowQuery last_query;
  AuditQuery last_audit;
  PodLogQuery last_pod;
  std::vector<std::pair<std::string, std::string>> damage;
  std::string removed;
};

}  // namespace logstone::testing
