// Records for tests: one with every member set, and random ones.
#pragma once

#include <random>
#include <string>

#include "model/record.h"

namespace logstone::testing {

/// Every member has a value, so that none can be forgotten in a format.
inline WorkflowRecord full_record() {
  const auto at = [](int seconds) {
    return from_unix_nanoseconds(1'795'599'000'000'000'000 + seconds * std::int64_t{1'000'000'000} + 123'456'789);
  };
  WorkflowRecord record;
  record.id = {"local", "team-a", "train-x7k2p", "0b6a5e0e-1d3a-4a68-9c55-0d7f3a1c2b4d"};
  record.state = LifecycleState::kVerified;
  record.generation = 7;
  record.phase = Phase::kFailed;
  record.message = "child 'train-x7k2p-2' failed";
  record.labels = {{"pipeline/runid", "run-1"}, {"tier", "gold"}};
  record.annotations = {{"note", "two\nlines \"quoted\" \u00e9"}};
  record.created = at(0);
  record.started = at(1);
  record.finished = at(60);
  record.verified = at(61);
  record.deleted = at(90);
  record.expires = at(90 * 86'400);
  record.problem = "one segment differs";
  record.hold = LegalHold{"audit 2026", "cli:alice", at(62)};
  record.retention = RetentionOverride{std::chrono::hours(24 * 90), "asked by bob"};
  Node node;
  node.id = "train-x7k2p-2731598446";
  node.name = "train-x7k2p[0].fit(1:x)";
  node.display_name = "fit(1:x)";
  node.type = "Pod";
  node.template_name = "fit";
  node.phase = Phase::kError;
  node.message = "OOMKilled (exit code 137)";
  node.boundary_id = "train-x7k2p";
  node.children = {"train-x7k2p-1", "train-x7k2p-2"};
  node.pod_name = "train-x7k2p-fit-2731598446";
  node.started = at(2);
  node.finished = at(59);
  node.exit_code = 137;
  record.nodes = {node};
  StreamRecord stream;
  stream.id = {node.id, node.pod_name, "5f0c7a52-9d7e-4a37-8d58-6d1f0d5f3c11", "main", 1};
  stream.complete = true;
  stream.bytes = 5'000'000'000;
  stream.lines = 70'000'001;
  stream.digest = "06b05ab6733a618578af5f94892f3950";
  stream.end_reason = "OOMKilled";
  stream.external = {"s3://mlpipeline", "wf/pod/main.log", 4100, at(31)};
  stream.exit_code = 137;
  stream.segments = {{"v1/workflows/local/team-a/2026-11-25/train-x7k2p.0b6a5e0e/segments/s/0-1.log.zst", 0,
                      5'000'000'000, 0, 70'000'000, 400'000'000, "99aa06d3014798d86001c324468d497f", at(3), at(58)}};
  stream.gaps = {{4096, 512, "rotated away before it was read", at(30)},
                 {5'000'000'000, std::nullopt, "pod deleted", at(59)}};
  record.streams = {stream};
  record.audit = {{at(61), "agent", "verified", "1 stream"}, {at(62), "cli:alice", "held", "audit 2026"}};
  record.manifest_json = "{\"b\":1.0,\"a\":1e2,\n \"spec\":{}}";
  return record;
}

}  // namespace logstone::testing
