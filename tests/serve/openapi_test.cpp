// openapi.yaml against the server: every operation is answered, and every answer is as described.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "serve/assets.h"
#include "tests/serve/fake_backend.h"
#include "tests/serve/http_client.h"

namespace logstone::testing {
namespace {

using nlohmann::json;

/// Compares JSON with a schema: types, required members, enumerations, and no member that is not described.
class Checker {
 public:
  explicit Checker(const YAML::Node& document) : document_(document) {}

  void check(const json& value, const YAML::Node& given, const std::string& where) {
    const YAML::Node schema = follow(given);
    const std::string type = schema["type"].as<std::string>("");
    if (type == "object") {
      ASSERT_TRUE(value.is_object()) << where;
      for (const auto& name : schema["required"]) {
        EXPECT_TRUE(value.contains(name.as<std::string>())) << where << " lacks " << name.as<std::string>();
      }
      for (const auto& [name, member] : value.items()) {
        const std::string place = where + "." + name;
        const YAML::Node property = schema["properties"] ? schema["properties"][name] : YAML::Node();
        if (property && property.IsDefined() && !property.IsNull()) {
          check(member, property, place);
          seen.insert(place);
        } else if (const YAML::Node other = schema["additionalProperties"]; !other) {
          ADD_FAILURE() << place << " is not described";
        } else if (other.IsMap()) {
          check(member, other, place);
        }
      }
    } else if (type == "array") {
      ASSERT_TRUE(value.is_array()) << where;
      for (const json& item : value) check(item, schema["items"], where + "[]");
    } else if (type == "integer") {
      EXPECT_TRUE(value.is_number_integer()) << where;
    } else if (type == "boolean") {
      EXPECT_TRUE(value.is_boolean()) << where;
    } else if (type == "string") {
      ASSERT_TRUE(value.is_string()) << where;
      const std::string text = value.get<std::string>();
      if (schema["format"].as<std::string>("") == "date-time") {
        EXPECT_TRUE(parse_rfc3339(text)) << where << ": " << text;
      }
      if (const YAML::Node choices = schema["enum"]) {
        EXPECT_TRUE(std::any_of(choices.begin(), choices.end(),
                                [&](const YAML::Node& choice) { return choice.as<std::string>() == text; }))
            << where << ": " << text;
      }
    } else {
      ADD_FAILURE() << where << " has a schema without a type";
    }
  }

  [[nodiscard]] YAML::Node follow(const YAML::Node& node) const {
    if (!node["$ref"]) return node;
    std::string reference = node["$ref"].as<std::string>();  // "#/components/schemas/Name"
    YAML::Node at;
    at.reset(document_);
    reference.erase(0, 2);
    while (!reference.empty()) {
      const std::size_t end = reference.find('/');
      at.reset(at[reference.substr(0, end)]);
      reference.erase(0, end == std::string::npos ? reference.size() : end + 1);
    }
    EXPECT_TRUE(at.IsMap()) << node["$ref"].as<std::string>();
    return at;
  }

  std::set<std::string> seen;  ///< Members that answers had.

 private:
  YAML::Node document_;
};

struct Example {
  std::string path;
  std::string body;
  int status = 200;
};

class OpenApi : public ::testing::Test {
 protected:
  OpenApi() {
    document = YAML::Load(std::string(serve::find_embedded_file("openapi.yaml")->bytes));
    backend.known.hold = LegalHold{"case 12", "cli:alice", at_second(2000)};
    backend.known.retention = RetentionOverride{std::nullopt, "audit"};
    backend.damage = {{"v1/seg", "its digest differs"}};
    backend.log->fill("a\nb\n");
    backend.log->complete();
  }
  Answer run(const std::string& method, const Example& example) {
    if (method == "GET") return ask(server->port(), example.path);
    return change(server->port(), method, example.path, example.body);
  }
  void compare(Checker& checker, const std::string& name, const YAML::Node& operation, const Answer& answer) {
    const YAML::Node described = operation["responses"][std::to_string(answer.status)];
    ASSERT_TRUE(described) << name << " answered " << answer.status << ", which is not described";
    const YAML::Node response = checker.follow(described);
    if (!response["content"]) {
      EXPECT_EQ(answer.body, "") << name;
      return;
    }
    const std::string header = answer.headers.at("content-type");
    const std::string type = header.substr(0, header.find(';'));
    const YAML::Node content = response["content"][type];
    ASSERT_TRUE(content) << name << " answered with " << type << ", which is not described";
    if (type.ends_with("json")) {
      const json body = json::parse(answer.body, nullptr, false);
      ASSERT_FALSE(body.is_discarded()) << name << ": " << answer.body;
      checker.check(body, content["schema"], name);
    }
  }

  YAML::Node document;
  FakeBackend backend;
  std::unique_ptr<Server> server = start_server(backend);
};

TEST_F(OpenApi, EveryOperationIsAnsweredAsDescribed) {
  const std::string workflow = "/api/v1/workflows/train-x7k2p";
  const std::string pod = "?podname=train-x7k2p-fit-123";
  const std::map<std::string, Example> examples = {
      {"listWorkflows", {"/api/v1/workflows", {}}},
      {"getWorkflow", {workflow + "?manifest=true", {}}},
      {"removeWorkflow", {workflow, R"({"reason": "GDPR"})", 409}},
      {"readLog", {backend.log_path(), {}}},
      {"readPodLog", {"/api/v1/pods/train-x7k2p-fit-123/log", {}}},
      {"verifyWorkflow", {workflow + "/verify", {}}},
      {"holdWorkflow", {workflow + "/hold", R"({"reason": "case 12"})"}},
      {"unholdWorkflow", {workflow + "/hold", R"({"reason": "closed"})"}},
      {"retainWorkflow", {workflow + "/retention", R"({"keep": "90d", "reason": "audit"})"}},
      {"adopt", {"/api/v1/adoptions?namespace=a&since=30d&dryRun=true&copy=true", "{}"}},
      {"listAudit", {"/api/v1/audit", {}}},
      {"version", {"/api/v1/version", {}}},
      {"kfpPodLogs", {"/k8s/pod/logs" + pod, {}}},
      {"kfpPod", {"/k8s/pod" + pod, {}}},
      {"kfpPodEvents", {"/k8s/pod/events" + pod, {}}},
      {"health", {"/healthz", {}}},
      {"readiness", {"/readyz", {}}},
      {"metrics", {"/metrics", {}}},
      {"description", {"/openapi.yaml", {}}},
      {"page", {"/", {}}},
      {"pageFile", {"/ui/index.html", {}}},
  };
  Checker checker(document);
  std::set<std::string> done;
  const bool has_page = serve::find_embedded_file("index.html") != nullptr;
  for (const auto& path : document["paths"]) {
    for (const auto& entry : path.second) {
      std::string method = entry.first.as<std::string>();
      if (method == "parameters") continue;
      std::transform(method.begin(), method.end(), method.begin(), [](unsigned char c) { return std::toupper(c); });
      const std::string id = entry.second["operationId"].as<std::string>();
      ASSERT_TRUE(examples.contains(id)) << id << " has no example here";
      done.insert(id);
      if (!has_page && (id == "page" || id == "pageFile")) continue;
      const Example& example = examples.at(id);
      const Answer answer = run(method, example);
      EXPECT_EQ(answer.status, example.status) << id << ": " << answer.body;
      compare(checker, id, entry.second, answer);
    }
  }
  EXPECT_EQ(done.size(), examples.size());
  // Members that no answer has may be described wrongly: the example has them all.
  for (const auto& name :
       {"WorkflowSummary:listWorkflows.items[]", "Workflow:getWorkflow", "Node:getWorkflow.nodes[]",
        "Stream:getWorkflow.streams[]", "Gap:getWorkflow.streams[].gaps[]", "Hold:getWorkflow.hold",
        "Retention:getWorkflow.retention", "AuditEvent:getWorkflow.audit[]", "AuditPage:listAudit",
        "Verification:verifyWorkflow", "External:getWorkflow.streams[].external", "Adoption:adopt"}) {
    const std::string text = name;
    const std::size_t colon = text.find(':');
    for (const auto& property : document["components"]["schemas"][text.substr(0, colon)]["properties"]) {
      const std::string place = text.substr(colon + 1) + "." + property.first.as<std::string>();
      EXPECT_TRUE(checker.seen.contains(place)) << place << " is described but never sent";
    }
  }
}

TEST_F(OpenApi, ErrorsAreAsDescribed) {
  Checker checker(document);
  const auto expect = [&](const char* path, const char* method, int status, const Answer& answer) {
    EXPECT_EQ(answer.status, status) << path << answer.body;
    std::string key = method;
    std::transform(key.begin(), key.end(), key.begin(), [](unsigned char c) { return std::tolower(c); });
    compare(checker, path, document["paths"][path][key], answer);
  };
  const std::uint16_t port = server->port();
  expect("/api/v1/workflows", "GET", 400, ask(port, "/api/v1/workflows?x=1"));
  expect("/api/v1/workflows/{ref}", "GET", 404, ask(port, "/api/v1/workflows/nope"));
  expect("/api/v1/workflows/{ref}/log/{streamKey}", "GET", 404, ask(port, "/api/v1/workflows/nope/log/x"));
  expect("/api/v1/workflows/{ref}/log/{streamKey}", "GET", 416,
         ask(port, backend.log_path(), {"GET", {"Range: bytes=99-"}, "", false, false}));
  expect("/api/v1/workflows/{ref}/log/{streamKey}", "GET", 206,
         ask(port, backend.log_path(), {"GET", {"Range: bytes=1-"}, "", false, false}));
  expect("/api/v1/workflows/{ref}/verify", "POST", 415,
         ask(port, "/api/v1/workflows/train-x7k2p/verify", {"POST", {}, "", true, false}));
  expect("/k8s/pod/logs", "GET", 400, ask(port, "/k8s/pod/logs"));
  expect("/k8s/pod/logs", "GET", 404, ask(port, "/k8s/pod/logs?podname=other"));
  expect("/k8s/pod/logs", "GET", 400, ask(port, "/k8s/pod/logs?podname=other&createdat=yesterday"));
  expect("/api/v1/pods/{pod}/log", "GET", 404, ask(port, "/api/v1/pods/other/log"));
  EXPECT_TRUE(checker.seen.contains("/api/v1/pods/{pod}/log.tried"));
  expect("/api/v1/pods/{pod}/log", "GET", 400, ask(port, "/api/v1/pods/other/log?created=2026-13-01"));
}

TEST_F(OpenApi, EveryDescribedParameterIsTaken) {
  for (const auto& path : document["paths"]) {
    const YAML::Node get = path.second["get"];
    if (!get) continue;
    std::string target = path.first.as<std::string>();
    const auto put = [&](const std::string& part, const std::string& value) {
      if (const std::size_t at = target.find(part); at != std::string::npos) target.replace(at, part.size(), value);
    };
    put("{ref}", "train-x7k2p");
    put("{pod}", "train-x7k2p-fit-123");
    put("{streamKey}", backend.stream_key());
    put("{file}", "openapi.yaml");
    for (const auto& parameter : get["parameters"]) {
      if (parameter["in"].as<std::string>("") != "query") continue;
      const std::string name = parameter["name"].as<std::string>();
      const YAML::Node schema = Checker(document).follow(parameter["schema"]);
      const std::string type = schema["type"].as<std::string>();
      std::string value = schema["enum"]                                   ? schema["enum"][0].as<std::string>()
                          : type == "boolean"                              ? "false"
                          : type == "integer"                              ? "1"
                          : schema["format"].as<std::string>("") == "date" ? "2026-11-25"
                          : name == "since" || name == "until"             ? "1h"
                                                                           : "train-x7k2p-fit-123";
      std::string query = "?" + name + "=" + value;
      if (target.starts_with("/k8s/") && name != "podname") query += "&podname=train-x7k2p-fit-123";
      const Answer answer = ask(server->port(), target + query);
      EXPECT_EQ(answer.status, 200) << target << query << ": " << answer.body;
    }
  }
}

}  // namespace
}  // namespace logstone::testing
