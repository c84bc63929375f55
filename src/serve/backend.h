// All that the server needs of the program behind it; the program wires it to catalogue, archive and agent.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "archive/log_view.h"
#include "base/result.h"
#include "catalog/catalog.h"
#include "cluster/cluster.h"
#include "model/record.h"
#include "serve/adoption.h"

namespace logstone {

/// One sample of /metrics.
struct Metric {
  std::string name;  ///< Prometheus name, `logstone_...`.
  std::string help;
  bool counter = true;  ///< Else a gauge.
  double value = 0;
};

/// Where a pod's log was found, or which places were asked in vain.
struct FoundLog {
  std::shared_ptr<LogView> log;
  WorkflowIdentity workflow;
  StreamIdentity stream;
  std::string place;  ///< "archive", "live", or how Argo's was found: "argo-status", "argo-key-format", "argo-listing".
  std::string object = {};  ///< Argo's object, as "s3://bucket/key"; empty for our own.
};
struct PodLogQuery {
  std::string name_space;  ///< Empty: any.
  std::string pod_name;
  std::string run_id;                    ///< Workflow label `pipeline/runid`; empty: any.
  std::string container;                 ///< Empty: the default container ("main", or the pod's only one).
  std::optional<std::uint32_t> restart;  ///< None: the last attempt.
  std::optional<std::chrono::year_month_day> created;  ///< Of the workflow, UTC: helps to find what Argo archived.
  bool everywhere = false;                             ///< Where Argo put logs too, not only in our own archive.
};

/// Thread-safe. Errors' kinds become HTTP statuses.
class Backend {
 public:
  virtual ~Backend() = default;
  [[nodiscard]] virtual Result<WorkflowPage> list(const WorkflowQuery& query) = 0;
  /// Live streams' present extents are in it.
  [[nodiscard]] virtual Result<WorkflowRecord> record(const std::string& uid) = 0;
  /// A name, `namespace/name`, a uid, a unique prefix of a name or uid, or `@latest`, to one workflow. kNotFound;
  /// kInvalidInput lists the candidates when several fit (of equal names the newest wins).
  [[nodiscard]] virtual Result<WorkflowSummary> resolve(const std::string& workflow) = 0;
  /// A stream by its key (StreamIdentity::key).
  [[nodiscard]] virtual Result<std::shared_ptr<LogView>> open_log(const std::string& uid,
                                                                  const std::string& stream_key) = 0;
  /// kNotFound: lines 2 and on of its reason are the places that were tried, one each, and why the log is not there.
  /// kConflict: several pods of that name fit.
  [[nodiscard]] virtual Result<FoundLog> find_pod_log(const PodLogQuery& query) = 0;
  /// Reads the archive back against its digests.
  [[nodiscard]] virtual Result<std::vector<std::pair<std::string, std::string>>> verify(const std::string& uid) = 0;
  [[nodiscard]] virtual Result<WorkflowRecord> hold(const std::string& uid, const std::string& reason,
                                                    const std::string& actor) = 0;
  [[nodiscard]] virtual Result<WorkflowRecord> unhold(const std::string& uid, const std::string& reason,
                                                      const std::string& actor) = 0;
  [[nodiscard]] virtual Result<WorkflowRecord> retain(const std::string& uid, std::optional<Nanoseconds> keep,
                                                      const std::string& reason, const std::string& actor) = 0;
  [[nodiscard]] virtual Result<> remove(const std::string& uid, const std::string& reason,
                                        const std::string& actor) = 0;
  [[nodiscard]] virtual Result<AuditPage> audit(const AuditQuery& query) = 0;
  /// One step of taking what Argo archived. kInvalidInput where its bucket is not configured.
  [[nodiscard]] virtual Result<AdoptionAnswer> adopt(const AdoptionQuery& query) = 0;
  [[nodiscard]] virtual std::vector<Metric> metrics() = 0;
  /// Ready to serve: the store and the catalogue answer.
  [[nodiscard]] virtual Result<> ready() = 0;
};

}  // namespace logstone
