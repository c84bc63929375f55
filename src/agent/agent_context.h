// What the agent's parts share.
#pragma once

#include <atomic>
#include <cstdint>

#include "agent/agent.h"
#include "agent/work_queue.h"

namespace logstone {

struct AgentCounters {
  std::atomic<std::uint64_t> bytes_captured{0};
  std::atomic<std::uint64_t> lines_captured{0};
  std::atomic<std::uint64_t> segments_written{0};
  std::atomic<std::uint64_t> segment_bytes_written{0};
  std::atomic<std::uint64_t> store_failures{0};
  std::atomic<std::uint64_t> workflows_sealed{0};
  std::atomic<std::uint64_t> workflows_verified{0};
  std::atomic<std::uint64_t> verification_failures{0};
  std::atomic<std::uint64_t> workflows_released{0};
  std::atomic<std::uint64_t> workflows_expired{0};
  std::atomic<std::uint64_t> gaps{0};
  std::atomic<std::uint64_t> workflows_published{0};
  std::atomic<std::uint64_t> publish_failures{0};
};

/// Outlives the captures and the workflows' loops.
struct AgentContext {
  AgentContext(AgentParts given_parts, AgentSettings given_settings)
      : parts(given_parts),
        settings(given_settings),
        capture_queue(given_settings.capture_threads),
        loop_queue(1),
        publish_queue(1) {}

  AgentParts parts;
  const AgentSettings settings;
  AgentCounters counters;
  WorkQueue capture_queue;
  WorkQueue loop_queue;
  WorkQueue publish_queue;
};

}  // namespace logstone
