#include <nlohmann/json.hpp>

#include "serve/actor.h"
#include "serve/routes.h"

namespace logstone::serve {
namespace {

using http::Call;
using http::Method;
using http::Response;

Result<Response> adopt(Backend& backend, const Call& call) {
  AdoptionQuery query;
  query.name_space = call.query.text("namespace");
  LOGSTONE_ASSIGN(query.since, call.query.time("since", Clock::system().now()));
  LOGSTONE_ASSIGN(query.dry_run, call.query.flag("dryRun"));
  LOGSTONE_ASSIGN(query.copy, call.query.flag("copy"));
  LOGSTONE_ASSIGN(const auto limit, call.query.number("limit", 1, 1000));
  query.limit = limit.value_or(query.copy ? 50 : 1000);
  query.cursor = call.query.text("cursor");
  query.actor = actor(call);
  LOGSTONE_ASSIGN(const AdoptionAnswer answer, backend.adopt(query));
  nlohmann::ordered_json counts = nlohmann::ordered_json::object();
  for (const auto& [name, count] : answer.counts) counts[name] = count;
  nlohmann::ordered_json workflows = nlohmann::ordered_json::array();
  for (const auto& one : answer.workflows) {
    workflows.push_back(
        {{"namespace", one.id.name_space}, {"name", one.id.name}, {"uid", one.id.uid}, {"logs", one.logs}});
  }
  nlohmann::ordered_json body = {{"source", answer.source},
                                 {"counts", std::move(counts)},
                                 {"workflows", std::move(workflows)},
                                 {"problems", answer.problems}};
  if (!answer.cursor.empty()) body["cursor"] = answer.cursor;
  return http::json_response(200, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace

void add_adoption_routes(http::Router& router, Backend& backend) {
  router.add(Method::kPost, "/api/v1/adoptions", {"namespace", "since", "dryRun", "copy", "limit", "cursor"},
             [&backend](const Call& call) { return adopt(backend, call); });
}

}  // namespace logstone::serve
