#include "base/time.h"
#include "serve/actor.h"
#include "serve/encoding.h"
#include "serve/json_views.h"
#include "serve/routes.h"

namespace logstone::serve {
namespace {

using http::Call;
using http::Method;
using http::Response;

constexpr std::uint64_t kAny = UINT64_MAX;

Response json(const Call& call, std::string body) {
  Response response = http::json_response(200, std::move(body));
  http::encode_whole(response, http::choose_encoding(call.request.header("accept-encoding")));
  return response;
}

/// The reason for an act: from the body, or from the query where a client cannot send a body.
Result<std::string> read_reason(const Call& call) {
  if (call.request.body.empty() && call.query.has("reason")) {
    std::string reason = call.query.text("reason");
    if (reason.find_first_not_of(' ') == std::string::npos) return http::bad_parameter("reason", "it is empty");
    return reason;
  }
  LOGSTONE_ASSIGN(auto texts, read_texts(call.request.body, {"reason"}));
  return texts.front();
}

Result<Response> list_workflows(Backend& backend, const Call& call) {
  const Timestamp now = Clock::system().now();
  WorkflowQuery query;
  query.name_space = call.query.text("namespace");
  query.name_prefix = call.query.text("name");
  query.name_contains = call.query.text("contains");
  if (call.query.has("phase")) {
    query.phase = parse_phase(call.query.text("phase"));
    if (!query.phase) {
      return http::bad_parameter("phase", "`" + call.query.text("phase") + "` is no phase",
                                 "One of Pending, Running, Succeeded, Failed, Error, Unknown.");
    }
  }
  LOGSTONE_ASSIGN(query.include_expired, call.query.flag("expired"));
  if (call.query.has("state")) {
    query.state = parse_lifecycle_state(call.query.text("state"));
    if (!query.state) {
      return http::bad_parameter("state", "`" + call.query.text("state") + "` is no state",
                                 "One of running, finished, sealed, verified, released, deleted, expired.");
    }
    if (*query.state == LifecycleState::kExpired) query.include_expired = true;
  }
  auto labels = LabelSelector::parse(call.query.text("labels"));
  if (!labels) return http::bad_parameter("labels", labels.error().reason, labels.error().advice);
  query.labels = *std::move(labels);
  LOGSTONE_ASSIGN(query.created_from, call.query.time("since", now));
  LOGSTONE_ASSIGN(query.created_until, call.query.time("until", now));
  LOGSTONE_ASSIGN(const auto limit, call.query.number("limit", 1, 1000));
  query.limit = limit.value_or(100);
  query.page_token = call.query.text("page");
  LOGSTONE_ASSIGN(const WorkflowPage page, backend.list(query));
  return json(call, workflow_page_json(page));
}

Result<Response> get_workflow(Backend& backend, const Call& call) {
  LOGSTONE_ASSIGN(const bool manifest, call.query.flag("manifest"));
  LOGSTONE_ASSIGN(const WorkflowSummary workflow, backend.resolve(call.captures[0]));
  LOGSTONE_ASSIGN(const WorkflowRecord record, backend.record(workflow.id.uid));
  return json(call, workflow_json(record, manifest));
}

Result<Response> read_log(Backend& backend, const Call& call) {
  const Timestamp now = Clock::system().now();
  const http::Query& query = call.query;
  LogSelection selection;
  LOGSTONE_ASSIGN(selection.follow, query.flag("follow"));
  LOGSTONE_ASSIGN(selection.timestamps, query.flag("timestamps"));
  LOGSTONE_ASSIGN(selection.gaps, query.flag("gaps"));
  LOGSTONE_ASSIGN(selection.tail, query.number("tail", 0, kAny));
  LOGSTONE_ASSIGN(selection.from, query.number("from", 0, kAny));
  LOGSTONE_ASSIGN(selection.to, query.number("to", 0, kAny));
  LOGSTONE_ASSIGN(selection.offset, query.number("offset", 0, kAny));
  LOGSTONE_ASSIGN(selection.since, query.time("since", now));
  LOGSTONE_ASSIGN(selection.until, query.time("until", now));
  if (selection.from && selection.to && *selection.to < *selection.from) {
    return http::bad_parameter("to", "it is before `from`");
  }
  if (selection.since && selection.until && *selection.until < *selection.since) {
    return http::bad_parameter("until", "it is before `since`");
  }
  LOGSTONE_ASSIGN(const WorkflowSummary workflow, backend.resolve(call.captures[0]));
  LOGSTONE_ASSIGN(auto log, backend.open_log(workflow.id.uid, call.captures[1]));
  return answer_log(call.request, std::move(log), selection);
}

Result<Response> verify(Backend& backend, const Call& call) {
  LOGSTONE_ASSIGN(const WorkflowSummary workflow, backend.resolve(call.captures[0]));
  LOGSTONE_ASSIGN(const auto damage, backend.verify(workflow.id.uid));
  return json(call, verification_json(damage));
}

Result<Response> hold(Backend& backend, const Call& call) {
  LOGSTONE_ASSIGN(const auto texts, read_texts(call.request.body, {"reason"}));
  LOGSTONE_ASSIGN(const WorkflowSummary workflow, backend.resolve(call.captures[0]));
  LOGSTONE_ASSIGN(const WorkflowRecord record, backend.hold(workflow.id.uid, texts[0], actor(call)));
  return json(call, workflow_json(record, false));
}

Result<Response> unhold(Backend& backend, const Call& call) {
  LOGSTONE_ASSIGN(const std::string reason, read_reason(call));
  LOGSTONE_ASSIGN(const WorkflowSummary workflow, backend.resolve(call.captures[0]));
  LOGSTONE_ASSIGN(const WorkflowRecord record, backend.unhold(workflow.id.uid, reason, actor(call)));
  return json(call, workflow_json(record, false));
}

Result<Response> retain(Backend& backend, const Call& call) {
  LOGSTONE_ASSIGN(const auto texts, read_texts(call.request.body, {"keep", "reason"}));
  std::optional<Nanoseconds> keep;
  if (texts[0] != "forever") {
    auto duration = parse_duration(texts[0]);
    if (!duration) {
      return Error{ErrorKind::kInvalidInput, "read", "`keep`", "`" + texts[0] + "` is no duration",
                   "Give one such as 90d or 12h, or forever."};
    }
    keep = *duration;
  }
  LOGSTONE_ASSIGN(const WorkflowSummary workflow, backend.resolve(call.captures[0]));
  LOGSTONE_ASSIGN(const WorkflowRecord record, backend.retain(workflow.id.uid, keep, texts[1], actor(call)));
  return json(call, workflow_json(record, false));
}

Result<Response> remove(Backend& backend, const Call& call) {
  LOGSTONE_ASSIGN(const std::string reason, read_reason(call));
  LOGSTONE_ASSIGN(const WorkflowSummary workflow, backend.resolve(call.captures[0]));
  LOGSTONE_TRY(backend.remove(workflow.id.uid, reason, actor(call)));
  Response response;
  response.status = 204;
  return response;
}

Result<Response> list_audit(Backend& backend, const Call& call) {
  const Timestamp now = Clock::system().now();
  AuditQuery query;
  query.name_space = call.query.text("namespace");
  if (call.query.has("workflow")) {
    const std::string text = call.query.text("workflow");
    if (text.empty()) return http::bad_parameter("workflow", "it is empty");
    auto workflow = backend.resolve(text);
    if (!workflow && workflow.error().kind != ErrorKind::kNotFound) return workflow.error();
    // Events outlive what they tell of: a uid that resolves to nothing any more still has some.
    query.workflow_uid = workflow ? workflow->id.uid : text;
  }
  LOGSTONE_ASSIGN(query.from, call.query.time("since", now));
  LOGSTONE_ASSIGN(query.until, call.query.time("until", now));
  LOGSTONE_ASSIGN(const auto limit, call.query.number("limit", 1, 1000));
  query.limit = limit.value_or(100);
  query.page_token = call.query.text("page");
  LOGSTONE_ASSIGN(const AuditPage page, backend.audit(query));
  return json(call, audit_page_json(page));
}

}  // namespace

void add_native_routes(http::Router& router, Backend& backend) {
  const auto with = [&backend](Result<Response> (*handle)(Backend&, const Call&)) {
    return [&backend, handle](const Call& call) { return handle(backend, call); };
  };
  const std::string workflow = "/api/v1/workflows/{ref}";
  router.add(
      Method::kGet, "/api/v1/workflows",
      {"namespace", "phase", "state", "labels", "name", "contains", "since", "until", "expired", "limit", "page"},
      with(list_workflows));
  router.add(Method::kGet, workflow, {"manifest"}, with(get_workflow));
  router.add(Method::kDelete, workflow, {"reason"}, with(remove));
  router.add(Method::kGet, workflow + "/log/{streamKey}",
             {"follow", "tail", "since", "until", "from", "to", "offset", "timestamps", "gaps"}, with(read_log));
  router.add(Method::kPost, workflow + "/verify", {}, with(verify));
  router.add(Method::kPut, workflow + "/hold", {}, with(hold));
  router.add(Method::kDelete, workflow + "/hold", {"reason"}, with(unhold));
  router.add(Method::kPut, workflow + "/retention", {}, with(retain));
  router.add(Method::kGet, "/api/v1/audit", {"namespace", "workflow", "since", "until", "limit", "page"},
             with(list_audit));
}

}  // namespace logstone::serve
