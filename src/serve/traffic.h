// Counts what the server does, for /metrics.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

namespace logstone {
struct Metric;
}

namespace logstone::http {

/// Thread-safe.
class Traffic {
 public:
  std::atomic<std::uint64_t> sent_bytes{0};
  std::atomic<std::uint64_t> accepted_connections{0};
  std::atomic<std::uint64_t> refused_connections{0};
  std::atomic<std::int64_t> open_connections{0};
  std::atomic<std::int64_t> open_streams{0};  ///< Bodies being sent piece by piece.

  /// `route` is a rule's pattern, never a path as sent: those have no bound.
  void count(const std::string& method, const std::string& route, int status);
  /// Prometheus' text format: these counts, then the program's.
  [[nodiscard]] std::string render(const std::vector<Metric>& program) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::tuple<std::string, std::string, int>, std::uint64_t> requests_;
};

}  // namespace logstone::http
