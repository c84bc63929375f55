// The log endpoints of the Kubeflow Pipelines UI server: its parameters, its words, answered from wherever the log is.
#include "serve/json_views.h"
#include "serve/routes.h"

namespace logstone::serve {
namespace {

using http::Call;
using http::Method;
using http::Response;

/// The KFP UI shows an error's body to the person as it is: so plain text, in sentences.
Response explain(const Error& error, const char* what) {
  if (error.kind == ErrorKind::kInvalidInput) return http::text_response(400, error.message());
  return http::text_response(http::status_of(error.kind), std::string(what) + error.message());
}

std::optional<Response> podname_missing(const Call& call) {
  if (!call.query.text("podname").empty()) return std::nullopt;
  return http::text_response(400, "podname argument is required");
}

Result<PodLogQuery> pod_query(const Call& call) {
  PodLogQuery query;
  query.name_space = call.query.text("podnamespace");
  query.pod_name = call.query.text("podname");
  query.run_id = call.query.text("runid");
  query.container = call.query.text("container");
  LOGSTONE_ASSIGN(query.created, read_day(call.query, "createdat"));
  return query;
}

Result<Response> logs(Backend& backend, const Call& call) {
  if (auto missing = podname_missing(call)) return *std::move(missing);
  LogSelection selection;
  LOGSTONE_ASSIGN(selection.follow, call.query.flag("follow"));
  LOGSTONE_ASSIGN(selection.tail, call.query.number("tailLines", 0, UINT64_MAX));
  LOGSTONE_ASSIGN(PodLogQuery query, pod_query(call));
  query.everywhere = true;
  LOGSTONE_ASSIGN(FoundLog found, backend.find_pod_log(query));
  return answer_found(call.request, std::move(found), selection);
}

Result<Response> describe(Backend& backend, const Call& call,
                          std::string (*view)(const WorkflowRecord&, const StreamIdentity&)) {
  if (auto missing = podname_missing(call)) return *std::move(missing);
  LOGSTONE_ASSIGN(const PodLogQuery query, pod_query(call));
  LOGSTONE_ASSIGN(const FoundLog found, backend.find_pod_log(query));
  LOGSTONE_ASSIGN(const WorkflowRecord record, backend.record(found.workflow.uid));
  return http::json_response(200, view(record, found.stream));
}

}  // namespace

void add_kfp_routes(http::Router& router, Backend& backend) {
  router.add(
      Method::kGet, "/k8s/pod/logs",
      {"podname", "runid", "podnamespace", "createdat", "follow", "tailLines", "container"},
      [&backend](const Call& call) { return logs(backend, call); },
      [](const Error& error) { return explain(error, "Could not get main container logs: "); });
  router.add(
      Method::kGet, "/k8s/pod", {"podname", "runid", "podnamespace"},
      [&backend](const Call& call) { return describe(backend, call, kubernetes_pod_json); },
      [](const Error& error) { return explain(error, "Could not get pod: "); });
  router.add(
      Method::kGet, "/k8s/pod/events", {"podname", "runid", "podnamespace"},
      [&backend](const Call& call) { return describe(backend, call, kubernetes_events_json); },
      [](const Error& error) { return explain(error, "Could not get pod events: "); });
}

}  // namespace logstone::serve
