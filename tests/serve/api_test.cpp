// Every route and its statuses, against a server with a program of the test's own behind it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "serve/assets.h"
#include "tests/serve/fake_backend.h"
#include "tests/serve/http_client.h"

namespace logstone::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class Api : public ::testing::Test {
 protected:
  FakeBackend backend;
  std::unique_ptr<Server> server = start_server(backend);
  const std::string workflow = "/api/v1/workflows/train-x7k2p";

  Answer get(const std::string& path) { return ask(server->port(), path); }
  void expect_problem(const Answer& answer, int status, const std::string& words) {
    EXPECT_EQ(answer.status, status) << answer.body;
    ASSERT_TRUE(answer.headers.contains("content-type"));
    EXPECT_EQ(answer.headers.at("content-type"), "application/problem+json");
    const json problem = json::parse(answer.body, nullptr, false);
    ASSERT_TRUE(problem.is_object()) << answer.body;
    EXPECT_EQ(problem.at("status"), status);
    EXPECT_FALSE(problem.at("title").get<std::string>().empty());
    EXPECT_THAT(problem.at("detail").get<std::string>() + problem.value("advice", ""), HasSubstr(words));
  }
};

TEST_F(Api, ListsWorkflowsWithEveryFilter) {
  const Answer answer =
      get("/api/v1/workflows?namespace=team-a&phase=Failed&state=expired&labels=a%3Db,!c&name=tr&contains=ai&since=1h&"
          "until=2026-11-25T09:30:00Z&limit=7&page=p");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const std::lock_guard lock(backend.mutex);
  const WorkflowQuery& query = backend.last_query;
  EXPECT_EQ(query.name_space, "team-a");
  EXPECT_EQ(query.phase, Phase::kFailed);
  EXPECT_EQ(query.state, LifecycleState::kExpired);
  EXPECT_TRUE(query.include_expired) << "asking for expired ones asks for tombstones";
  EXPECT_TRUE(query.labels.matches({{"a", "b"}}));
  EXPECT_FALSE(query.labels.matches({{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(query.name_prefix, "tr");
  EXPECT_EQ(query.name_contains, "ai");
  EXPECT_TRUE(query.created_from.has_value());
  EXPECT_EQ(query.created_until, *parse_rfc3339("2026-11-25T09:30:00Z"));
  EXPECT_EQ(query.limit, 7u);
  EXPECT_EQ(query.page_token, "p");
}

TEST_F(Api, PagesThroughWorkflows) {
  const json first = json::parse(get("/api/v1/workflows").body);
  EXPECT_EQ(first.at("items").at(0).at("name"), "train-x7k2p");
  EXPECT_EQ(first.at("items").at(0).at("held"), false);
  EXPECT_EQ(first.at("items").at(0).at("message"), "all \xef\xbf\xbd well") << "what is no UTF-8 is replaced";
  const json last = json::parse(get("/api/v1/workflows?page=" + first.at("nextPage").get<std::string>()).body);
  EXPECT_FALSE(last.contains("nextPage"));
}

TEST_F(Api, NamesTheBadParameter) {
  for (const auto& [query, word] : std::vector<std::pair<std::string, std::string>>{{"phase=Nope", "phase"},
                                                                                    {"state=x", "state"},
                                                                                    {"limit=0", "limit"},
                                                                                    {"limit=1001", "limit"},
                                                                                    {"since=x", "since"},
                                                                                    {"until=", "until"},
                                                                                    {"labels=a%20b", "labels"},
                                                                                    {"nme=x", "nme"},
                                                                                    {"name=a&name=b", "name"},
                                                                                    {"expired=maybe", "expired"},
                                                                                    {"name=%zz", "name"},
                                                                                    {"name", "name"}}) {
    expect_problem(get("/api/v1/workflows?" + query), 400, "`" + word + "`");
  }
  expect_problem(get(workflow + "?manifest=1"), 400, "`manifest`");
  expect_problem(get(backend.log_path() + "?tail=-1"), 400, "`tail`");
  expect_problem(get(backend.log_path() + "?from=3&to=2"), 400, "`to`");
  expect_problem(get(backend.log_path() + "?since=1h&until=2h"), 400, "`until`");
  expect_problem(get("/api/v1/audit?workflow="), 400, "`workflow`");
  expect_problem(get("/healthz?x=1"), 400, "`x`");
}

TEST_F(Api, ShowsOneWorkflow) {
  const json record = json::parse(get(workflow).body);
  EXPECT_EQ(record.at("uid"), FakeBackend::kUid);
  EXPECT_EQ(record.at("state"), "deleted");
  EXPECT_EQ(record.at("nodes").at(0).at("podName"), "train-x7k2p-fit-123");
  EXPECT_EQ(record.at("streams").at(0).at("key"), backend.stream_key());
  EXPECT_EQ(record.at("streams").at(0).at("place"), "archive");
  EXPECT_EQ(record.at("streams").at(0).at("gaps").at(0).at("lostBytes"), 12);
  EXPECT_EQ(record.at("audit").at(0).at("action"), "verified");
  EXPECT_FALSE(record.contains("manifest"));
  EXPECT_FALSE(record.contains("hold"));
  EXPECT_EQ(json::parse(get(workflow + "?manifest=true").body).at("manifest").at("spec").at("x"), 1);
}

TEST_F(Api, FindsAWorkflowByEveryReference) {
  for (const char* ref : {"train-x7k2p", "team-a%2Ftrain-x7k2p", "7c1f2f1e-0000-4000-8000-000000000001", "train-x",
                          "@latest", "%40latest"}) {
    EXPECT_EQ(get(std::string("/api/v1/workflows/") + ref).status, 200) << ref;
  }
  expect_problem(get("/api/v1/workflows/unknown"), 404, "unknown");
  expect_problem(get("/api/v1/workflows/two"), 400, "it fits two");
  expect_problem(get("/api/v1/workflows/a%zz"), 400, "%");
  expect_problem(get("/api/v1/workflows/train-x7k2p/log/no-such-stream"), 404, "no-such-stream");
}

TEST_F(Api, HoldsAndLiftsAHold) {
  Answer answer = change(server->port(), "PUT", workflow + "/hold", R"({"reason": "case 12"})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(json::parse(answer.body).at("hold").at("reason"), "case 12");
  EXPECT_EQ(json::parse(answer.body).at("hold").at("actor"), "http:127.0.0.1");
  expect_problem(change(server->port(), "DELETE", workflow, R"({"reason": "space"})"), 409, "Lift the hold");
  answer = change(server->port(), "DELETE", workflow + "/hold?reason=case%20closed");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_FALSE(json::parse(answer.body).contains("hold"));
  EXPECT_EQ(json::parse(answer.body).at("audit").back().at("detail"), "case closed");
}

TEST_F(Api, RetainsForATimeOrForever) {
  Answer answer = change(server->port(), "PUT", workflow + "/retention", R"({"keep": "90d", "reason": "audit"})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(json::parse(answer.body).at("retention").at("keep"), "90d");
  answer = change(server->port(), "PUT", workflow + "/retention", R"({"keep": "forever", "reason": "audit"})");
  EXPECT_EQ(json::parse(answer.body).at("retention").at("keep"), "forever");
  expect_problem(change(server->port(), "PUT", workflow + "/retention", R"({"keep": "long", "reason": "x"})"), 400,
                 "`keep`");
}

TEST_F(Api, RemovesWithAReasonOnly) {
  expect_problem(change(server->port(), "DELETE", workflow), 400, "empty");
  expect_problem(change(server->port(), "DELETE", workflow + "?reason=%20"), 400, "`reason`");
  const Answer answer = change(server->port(), "DELETE", workflow, R"({"reason": "GDPR"})");
  EXPECT_EQ(answer.status, 204) << answer.body;
  EXPECT_EQ(answer.body, "");
  const std::lock_guard lock(backend.mutex);
  EXPECT_EQ(backend.removed, "http:127.0.0.1: GDPR");
}

TEST_F(Api, RefusesBodiesItCannotRead) {
  for (const auto& [body, word] :
       std::vector<std::pair<std::string, std::string>>{{"", "empty"},
                                                        {"{", "not JSON"},
                                                        {"[]", "object"},
                                                        {R"({"reason": 3})", "`reason`"},
                                                        {"{}", "`reason`"},
                                                        {R"({"reason": ""})", "`reason`"},
                                                        {R"({"reason": "x", "rsn": "y"})", "`rsn`"},
                                                        {std::string(100'000, '['), "not JSON"}}) {
    expect_problem(change(server->port(), "PUT", workflow + "/hold", body), 400, word);
  }
}

TEST_F(Api, TakesChangesAsJsonOnly) {
  const Ask form{"POST", {"Content-Type: application/x-www-form-urlencoded"}, "", true, false};
  expect_problem(ask(server->port(), workflow + "/verify", form), 415, "application/json");
  const Ask none{"DELETE", {"Content-Type:"}, R"({"reason":"x"})", true, false};
  expect_problem(ask(server->port(), workflow, none), 415, "application/json");
  EXPECT_EQ(ask(server->port(), workflow + "/verify",
                {"POST", {"Content-Type: Application/JSON; charset=utf-8"}, "", true, false})
                .status,
            200);
}

TEST_F(Api, VerifiesAndListsTheDamage) {
  EXPECT_EQ(json::parse(change(server->port(), "POST", workflow + "/verify").body).at("damage").size(), 0u);
  {
    const std::lock_guard lock(backend.mutex);
    backend.damage = {{"v1/seg", "its digest differs"}};
  }
  const json damage = json::parse(change(server->port(), "POST", workflow + "/verify").body).at("damage");
  EXPECT_EQ(damage.at(0).at("key"), "v1/seg");
}

TEST_F(Api, ListsAuditEvents) {
  const json page = json::parse(get("/api/v1/audit?namespace=team-a&workflow=train-x7k2p&since=1d&limit=5").body);
  EXPECT_EQ(page.at("items").at(0).at("event").at("action"), "verified");
  EXPECT_EQ(page.at("items").at(0).at("workflow").at("name"), "train-x7k2p");
  EXPECT_EQ(page.at("nextPage"), "more");
  {
    const std::lock_guard lock(backend.mutex);
    EXPECT_EQ(backend.last_audit.workflow_uid, FakeBackend::kUid);
    EXPECT_EQ(backend.last_audit.limit, 5u);
  }
  EXPECT_EQ(get("/api/v1/audit?workflow=gone-uid").status, 200) << "events outlive their workflow";
}

TEST_F(Api, TellsErrorsByTheirKind) {
  for (const auto& [kind, status] : std::vector<std::pair<ErrorKind, int>>{{ErrorKind::kForbidden, 403},
                                                                           {ErrorKind::kUnavailable, 503},
                                                                           {ErrorKind::kOutOfSpace, 507},
                                                                           {ErrorKind::kCorrupt, 500},
                                                                           {ErrorKind::kUnsupported, 501},
                                                                           {ErrorKind::kInternal, 500}}) {
    {
      const std::lock_guard lock(backend.mutex);
      backend.failure = Error{kind, "read", "the catalogue", "it broke", "Mend it."};
    }
    expect_problem(get("/api/v1/workflows"), status, "it broke");
  }
  expect_problem(get("/readyz"), 503, "it broke");
  EXPECT_EQ(get("/healthz").status, 200) << "a process with a broken store still lives";
}

TEST_F(Api, AnswersUnknownPathsAndMethods) {
  expect_problem(get("/nope"), 404, "/openapi.yaml");
  expect_problem(get("/api/v1/workflows/"), 404, "no such path");
  expect_problem(get("//"), 404, "no such path");
  const Answer answer = change(server->port(), "PUT", workflow);
  expect_problem(answer, 405, "GET, HEAD, DELETE");
  EXPECT_EQ(answer.headers.at("allow"), "GET, HEAD, DELETE");
  EXPECT_EQ(ask(server->port(), "/healthz", {"BREW", {}, "", false, false}).status, 405);
  EXPECT_EQ(ask(server->port(), "/healthz", {"OPTIONS", {}, "", false, false}).status, 405);
}

TEST_F(Api, AnswersHeadWithoutABody) {
  const Answer head = ask(server->port(), "/healthz", {"HEAD", {}, "", false, false});
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(head.headers.at("content-length"), "3");
}

TEST_F(Api, CountsWhatItDoes) {
  (void)get("/healthz");
  (void)get("/nope");
  const Answer answer = get("/metrics");
  EXPECT_THAT(answer.headers.at("content-type"), HasSubstr("version=0.0.4"));
  EXPECT_THAT(answer.body,
              HasSubstr("logstone_http_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"} 1\n"));
  EXPECT_THAT(answer.body, HasSubstr("logstone_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1\n"));
  EXPECT_THAT(answer.body, HasSubstr("# HELP logstone_archived_bytes_total Raw bytes\\narchived.\n"));
  EXPECT_THAT(answer.body, HasSubstr("logstone_archived_bytes_total 12345678901\n"));
  EXPECT_THAT(answer.body, HasSubstr("# TYPE logstone_running_workflows gauge\n"));
  EXPECT_THAT(answer.body, HasSubstr("logstone_http_open_streams 0\n"));
}

TEST_F(Api, ServesEmbeddedFilesWithValidators) {
  const Answer answer = get("/openapi.yaml");
  ASSERT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.body.starts_with("openapi: 3.0.3\n"));
  EXPECT_EQ(answer.headers.at("x-content-type-options"), "nosniff");
  const std::string tag = answer.headers.at("etag");
  const Answer again = ask(server->port(), "/openapi.yaml", {"GET", {"If-None-Match: " + tag}, "", false, false});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(get("/ui/openapi.yaml").body, answer.body);
  EXPECT_EQ(get("/").status, 200);
  for (const EmbeddedFile& file : serve::embedded_files()) {
    const Answer one = get("/ui/" + std::string(file.name));
    EXPECT_EQ(one.body, file.bytes) << file.name;
    EXPECT_THAT(one.headers.at("content-security-policy"), HasSubstr("default-src 'none'"));
  }
  expect_problem(get("/ui/..%2F..%2Fetc%2Fpasswd"), 404, "no such file");
  expect_problem(get("/ui/nope.js"), 404, "nope.js");
}

TEST_F(Api, GivesKfpItsLog) {
  backend.log->fill("one\ntwo\nthree\n");
  backend.log->complete();
  Answer answer = get("/k8s/pod/logs?podname=train-x7k2p-fit-123&runid=run-1&podnamespace=team-a&createdat=2026-11-25");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "one\ntwo\nthree\n");
  EXPECT_EQ(answer.headers.at("content-type"), "text/plain");
  {
    const std::lock_guard lock(backend.mutex);
    EXPECT_EQ(backend.last_pod.name_space, "team-a");
    EXPECT_EQ(backend.last_pod.run_id, "run-1");
    EXPECT_EQ(backend.last_pod.container, "");
  }
  EXPECT_EQ(get("/k8s/pod/logs?podname=train-x7k2p-fit-123&tailLines=1&container=main").body, "three\n");
  EXPECT_EQ(get("/k8s/pod/logs?podname=train-x7k2p-fit-123&tailLines=2&follow=true").body, "two\nthree\n");
}

TEST_F(Api, TellsKfpWhatIsWrongInPlainWords) {
  for (const char* path : {"/k8s/pod/logs", "/k8s/pod/logs?podname=", "/k8s/pod", "/k8s/pod/events"}) {
    const Answer answer = get(path);
    EXPECT_EQ(answer.status, 400) << path;
    EXPECT_EQ(answer.body, "podname argument is required") << path;
  }
  const Answer answer = get("/k8s/pod/logs?podname=other");
  EXPECT_EQ(answer.status, 404);
  EXPECT_THAT(answer.body, HasSubstr("Could not get main container logs: "));
  EXPECT_THAT(answer.body, HasSubstr("tried:\nthe catalogue: nothing\nthe key format"));
  EXPECT_THAT(answer.headers.at("content-type"), HasSubstr("text/plain"));
  EXPECT_EQ(get("/k8s/pod/logs?podname=x&tailLines=many").status, 400);
}

TEST_F(Api, ShowsKfpThePodAndItsEvents) {
  const json pod = json::parse(get("/k8s/pod?podname=train-x7k2p-fit-123&podnamespace=team-a").body);
  EXPECT_EQ(pod.at("kind"), "Pod");
  EXPECT_EQ(pod.at("metadata").at("name"), "train-x7k2p-fit-123");
  EXPECT_EQ(pod.at("status").at("phase"), "Succeeded");
  EXPECT_EQ(pod.at("status").at("containerStatuses").at(0).at("state").at("terminated").at("reason"), "Completed");
  const json events = json::parse(get("/k8s/pod/events?podname=train-x7k2p-fit-123").body);
  EXPECT_EQ(events.at("kind"), "EventList");
  EXPECT_EQ(events.at("items").at(0).at("reason"), "verified");
  EXPECT_EQ(get("/k8s/pod?podname=other").status, 404);
}

}  // namespace
}  // namespace logstone::testing
