// Answers the server's questions from catalogue, archive and agent.
#pragma once

#include "agent/agent.h"
#include "agent/archive_keeper.h"
#include "agent/record_book.h"
#include "instance/adopted_logs.h"
#include "instance/argo_logs.h"
#include "serve/backend.h"
#include "store/s3/s3_store.h"

namespace logstone {

/// All outlive it; `agent` is null where nothing is captured.
struct InstanceBackendParts {
  ObjectStore& store;
  Catalog& catalog;
  RecordBook& book;
  ArchiveKeeper& keeper;
  BlockCache& cache;
  Agent* agent = nullptr;
  ObjectStore* probe = nullptr;  ///< Asked whether the store answers; null: `store`.
  std::shared_ptr<S3Metrics> s3_metrics = {};
  AdoptedLogs* adopted = nullptr;  ///< Null: nothing was or can be adopted.
  ArgoLogs* argo = nullptr;        ///< Null: nothing but our own archive is looked at.
  std::string default_container = "main";
};

class InstanceBackend final : public Backend {
 public:
  explicit InstanceBackend(InstanceBackendParts parts) : parts_(parts) {}
  Result<WorkflowPage> list(const WorkflowQuery& query) override;
  /// With the streams that are still being captured, or were when nothing captures now.
  Result<WorkflowRecord> record(const std::string& uid) override;
  Result<WorkflowSummary> resolve(const std::string& workflow) override;
  Result<std::shared_ptr<LogView>> open_log(const std::string& uid, const std::string& stream_key) override;
  Result<FoundLog> find_pod_log(const PodLogQuery& query) override;
  Result<std::vector<std::pair<std::string, std::string>>> verify(const std::string& uid) override;
  Result<WorkflowRecord> hold(const std::string& uid, const std::string& reason, const std::string& actor) override;
  Result<WorkflowRecord> unhold(const std::string& uid, const std::string& reason, const std::string& actor) override;
  Result<WorkflowRecord> retain(const std::string& uid, std::optional<Nanoseconds> keep, const std::string& reason,
                                const std::string& actor) override;
  Result<> remove(const std::string& uid, const std::string& reason, const std::string& actor) override;
  Result<AuditPage> audit(const AuditQuery& query) override;
  Result<AdoptionAnswer> adopt(const AdoptionQuery& query) override;
  std::vector<Metric> metrics() override;
  Result<> ready() override;

 private:
  /// Where Argo put it, once `tried` of our own were in vain.
  Result<FoundLog> find_argo_log(const PodLogQuery& query, std::string tried);
  Result<std::shared_ptr<LogView>> open_stream(const WorkflowIdentity& workflow, const StreamRecord& stream);

  InstanceBackendParts parts_;
};

}  // namespace logstone
