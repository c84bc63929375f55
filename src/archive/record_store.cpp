#include "archive/record_store.h"

#include <algorithm>
#include <utility>

#include "archive/layout.h"
#include "archive/segment_source.h"
#include "base/bytes.h"
#include "model/record_json.h"

namespace logstone {
namespace {

constexpr std::string_view kSealBegin = ",\n\"checksum\":\"";
constexpr std::string_view kSealEnd = "\"}\n";
constexpr std::size_t kDigestDigits = 32;
constexpr std::size_t kSealBytes = kSealBegin.size() + kDigestDigits + kSealEnd.size();

/// The record's text with its own checksum as the JSON object's last member.
std::string seal(std::string json) {
  const std::size_t brace = json.find_last_of('}');
  json.resize(brace == std::string::npos ? 0 : brace);
  while (!json.empty() && (json.back() == '\n' || json.back() == ' ')) json.pop_back();
  const std::string digest = Digest::hex_of(json);
  json += kSealBegin;
  json += digest;
  json += kSealEnd;
  return json;
}

bool seal_is_whole(std::string_view text) {
  if (text.size() < kSealBytes) return false;
  const std::string_view body = text.substr(0, text.size() - kSealBytes);
  const std::string_view end = text.substr(body.size());
  return end.substr(0, kSealBegin.size()) == kSealBegin &&
         end.substr(kSealBegin.size(), kDigestDigits) == Digest::hex_of(body) &&
         end.substr(kSealBegin.size() + kDigestDigits) == kSealEnd;
}

/// What follows `v1/workflows/<cluster>/<namespace>/<day>/<workflow>/` in a key; empty where it is not so deep.
std::string_view within_workflow(std::string_view key) {
  constexpr int kFolders = 6;
  for (int i = 0; i < kFolders; ++i) {
    const std::size_t slash = key.find('/');
    if (slash == std::string_view::npos) return {};
    key.remove_prefix(slash + 1);
  }
  return key;
}

/// Where to go on listing after `key`: behind the segments of its workflow, if it is one of them.
std::string next_after(const std::string& key) {
  constexpr std::string_view kFolder = "segments/";
  const std::string_view rest = within_workflow(key);
  if (rest.substr(0, kFolder.size()) != kFolder) return key;
  return key.substr(0, key.size() - rest.size() + kFolder.size()) + '~';  // Streams' names sort before it.
}

bool is_damage(const Error& error) {
  return error.kind == ErrorKind::kCorrupt || error.kind == ErrorKind::kNotFound ||
         error.kind == ErrorKind::kUnsupported;
}

/// Compares one stream with its segments.
class StreamCheck {
 public:
  StreamCheck(ObjectStore& store, const WorkflowRecord& record, const StreamRecord& stream, std::vector<Damage>& damage)
      : store_(store), record_(record), stream_(stream), damage_(damage) {}

  Result<> run() {
    for (const SegmentReference& segment : stream_.segments) LOGSTONE_TRY(check(segment));
    if (!readable_) return {};  // The totals would only repeat what is known.
    const std::string name = "stream " + stream_.id.key();
    const auto differs = [&](const char* what, std::uint64_t found, std::uint64_t recorded) {
      if (found == recorded) return;
      damage_.push_back({name, std::string(what) + " in its segments: " + std::to_string(found) +
                                   ", in the record: " + std::to_string(recorded)});
    };
    differs("bytes", bytes_, stream_.bytes);
    differs("lines", newlines_ + (ends_line_ ? 0 : 1), stream_.lines);
    if (stream_.complete && stream_.digest.empty()) {
      damage_.push_back({name, "it is complete, but the record has no digest of it"});
    } else if (!stream_.digest.empty() && stream_.digest != digest_.hex()) {
      damage_.push_back({name, "the digest of its bytes is not the record's"});
    }
    return {};
  }

 private:
  Result<> check(const SegmentReference& segment) {
    const auto object = store_.get(segment.key);
    if (!object) {
      if (!is_damage(object.error())) return object.error();
      damaged(segment,
              object.error().kind == ErrorKind::kNotFound ? "the object does not exist" : object.error().reason);
      return {};
    }
    if (object->size() != segment.object_bytes) {
      damaged(segment, "the object has " + std::to_string(object->size()) + " bytes, in the record " +
                           std::to_string(segment.object_bytes));
    } else if (Digest::hex_of(*object) != segment.object_digest) {
      damaged(segment, "the object's digest is not the record's");
    }
    const auto reader = read_segment_in_place(*object, segment.key);
    if (!reader) {
      damaged(segment, reader.error().reason);
      return {};
    }
    const SegmentPlace& place = (*reader)->place();
    if (place.stream != stream_.id || place.workflow_uid != record_.id.uid) {
      damaged(segment, "it belongs to another stream or workflow");
    }
    if (place.first_byte != segment.first_byte || (*reader)->bytes() != segment.bytes ||
        place.first_line != segment.first_line || (*reader)->lines() != segment.lines) {
      damaged(segment, "its bytes or lines are not what the record says");
    }
    if (readable_ && (place.first_byte != bytes_ || place.first_line != newlines_)) {
      damaged(segment, "it does not follow the segment before it");
    }
    const auto checked = check_blocks(**reader, segment.key, [this](std::string_view raw) { digest_.update(raw); });
    if (!checked) {
      damaged(segment, checked.error().reason);
      return {};
    }
    bytes_ += (*reader)->bytes();
    newlines_ += (*reader)->lines();
    if (!(*reader)->blocks().empty()) ends_line_ = (*reader)->blocks().back().ends_line;
    return {};
  }

  void damaged(const SegmentReference& segment, std::string what) {
    readable_ = false;
    damage_.push_back({segment.key, std::move(what)});
  }

  ObjectStore& store_;
  const WorkflowRecord& record_;
  const StreamRecord& stream_;
  std::vector<Damage>& damage_;
  Digest digest_;
  std::uint64_t bytes_ = 0;
  std::uint64_t newlines_ = 0;
  bool ends_line_ = true;
  bool readable_ = true;
};

}  // namespace

Result<> write_record(ObjectStore& store, const WorkflowRecord& record) {
  return store.put(record_key(record.id, record.created), seal(to_json(record)));
}

Result<WorkflowRecord> read_record(ObjectStore& store, const std::string& key) {
  LOGSTONE_ASSIGN(const std::string text, store.get(key));
  if (!seal_is_whole(text)) {
    return Error{ErrorKind::kCorrupt, "read record", key,
                 "its checksum differs: the stored bytes are not what was written",
                 "Restore the object from a copy of the store."};
  }
  auto record = record_from_json(text);
  if (!record) record.error().subject = key;
  return record;
}

Result<> for_each_record(ObjectStore& store,
                         const std::function<Result<>(const WorkflowRecord&, const std::string& key)>& found,
                         const std::function<void(const std::string& key, const Error&)>& damaged) {
  std::string after;
  while (true) {
    LOGSTONE_ASSIGN(const ObjectPage page, store.list(std::string(kWorkflowsPrefix), after));
    for (const ObjectInfo& object : page.objects) {
      if (within_workflow(object.key) != "record.json") continue;
      const auto record = read_record(store, object.key);
      if (record) {
        LOGSTONE_TRY(found(*record, object.key));
      } else if (record.error().kind == ErrorKind::kNotFound) {
        continue;  // Removed since it was listed.
      } else if (is_damage(record.error())) {
        damaged(object.key, record.error());
      } else {
        return record.error();
      }
    }
    if (!page.more || page.objects.empty()) return {};
    after = next_after(page.objects.back().key);
  }
}

Result<std::vector<Damage>> verify_record(ObjectStore& store, const WorkflowRecord& record) {
  std::vector<Damage> damage;
  for (const StreamRecord& stream : record.streams) {
    if (!stream.by_reference()) LOGSTONE_TRY(StreamCheck(store, record, stream, damage).run());
  }
  return damage;
}

}  // namespace logstone
