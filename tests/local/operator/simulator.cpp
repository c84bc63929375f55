#include "tests/local/operator/simulator.h"

#include <gtest/gtest.h>

#include <random>
#include <sstream>

namespace logstone::local {
namespace {

struct Program {
  int exit_code = 0;
  std::chrono::seconds sleep{1};
  std::optional<std::string> error;
  std::optional<std::string> result;
  std::map<std::string, std::string> parameters;
};

Program program_of(const PodContainer& container) {
  std::vector<std::string> lines = container.args;
  if (container.script) {
    std::istringstream source(*container.script);
    for (std::string line; std::getline(source, line);) lines.push_back(line);
  }
  Program program;
  for (const std::string& line : lines) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string key = line.substr(0, equals);
    const std::string value = line.substr(equals + 1);
    if (key == "exit") program.exit_code = std::stoi(value);
    if (key == "sleep") program.sleep = std::chrono::seconds(std::stoi(value));
    if (key == "error") program.error = value;
    if (key == "result") program.result = value;
    if (key.rfind("out:", 0) == 0) program.parameters[key.substr(4)] = value;
  }
  return program;
}

class FakeRuntime {
 public:
  FakeRuntime(SimulatedRun& run, unsigned seed) : run_(run), random_(seed) {}

  void create(const PodRequest& request, Timestamp now) {
    if (outcomes.count(request.node_id) > 0) return;
    EXPECT_FALSE(request.pod_name.empty());
    outcomes[request.node_id].phase = Phase::kPending;
    run_.requests[request.node_name] = request;
    run_.started.push_back(request.node_name);
    requests_[request.node_id] = request;
    std::chrono::seconds longest{0};
    for (const PodContainer& container : request.containers) longest = std::max(longest, program_of(container).sleep);
    ends_[request.node_id] = now + longest;
    run_.most_at_once = std::max(run_.most_at_once, ends_.size());
  }

  void stop(const std::string& id, Timestamp now) {
    PodOutcome& outcome = outcomes.at(id);
    if (is_final(outcome.phase)) return;
    outcome.phase = Phase::kFailed;
    outcome.finished = now;
    for (const PodContainer& container : requests_[id].containers) {
      outcome.containers[container.name] = {outcome.started, now, 143, "Error", ""};
    }
    ends_.erase(id);
  }

  /// When the pod that is to move next does; nothing moves without pods.
  std::optional<Timestamp> choose() {
    if (ends_.empty()) return std::nullopt;
    chosen_ = std::next(ends_.begin(), static_cast<std::ptrdiff_t>(random_() % ends_.size()))->first;
    return outcomes[chosen_].phase == Phase::kPending ? Timestamp::min() : ends_[chosen_];
  }

  void move_chosen(Timestamp now) {
    PodOutcome& outcome = outcomes[chosen_];
    const PodRequest& request = requests_[chosen_];
    if (outcome.phase == Phase::kPending) {
      outcome.phase = Phase::kRunning;
      outcome.started = now;
      for (const PodContainer& container : request.containers) outcome.containers[container.name].started = now;
      return;
    }
    outcome.phase = Phase::kSucceeded;
    outcome.finished = now;
    for (const PodContainer& container : request.containers) {
      const Program program = program_of(container);
      ContainerOutcome& own = outcome.containers[container.name];
      own.finished = now;
      own.exit_code = program.exit_code;
      own.reason = program.exit_code == 0 ? "Completed" : "Error";
      if (program.exit_code != 0) outcome.phase = Phase::kFailed;
      if (container.name == request.result_container) outcome.result = program.result;
      for (const PodOutputParameter& parameter : request.output_parameters) {
        const auto given = program.parameters.find(parameter.name);
        if (given != program.parameters.end()) outcome.parameters[parameter.name] = given->second;
        if (given == program.parameters.end() && parameter.default_value) {
          outcome.parameters[parameter.name] = *parameter.default_value;
        }
      }
      if (program.error) {
        outcome.phase = Phase::kError;
        outcome.message = *program.error;
      }
    }
    for (const PodOutputArtifact& artifact : request.output_artifacts) outcome.artifacts.push_back(artifact.name);
    ends_.erase(chosen_);
  }

  std::map<std::string, PodOutcome> outcomes;

 private:
  SimulatedRun& run_;
  std::mt19937 random_;
  std::string chosen_;
  std::map<std::string, PodRequest> requests_;
  std::map<std::string, Timestamp> ends_;  // Of pods that are not over.
};

void expect_repeatable(const ParsedWorkflow& workflow, const WorkflowFacts& facts, const WorkflowStatus& status,
                       const std::map<std::string, PodOutcome>& outcomes, Timestamp now, bool terminate,
                       const Decision& first) {
  WorkflowStatus again = status;
  const Decision second = operate(workflow, facts, again, outcomes, now, terminate);
  EXPECT_TRUE(again == status) << "a repeated call changed the status to " << to_json(again);
  EXPECT_FALSE(second.changed);
  EXPECT_TRUE(second.create == first.create);
  EXPECT_EQ(second.stop, first.stop);
  EXPECT_EQ(second.wake_at, first.wake_at);
}

}  // namespace

const NodeStatus& SimulatedRun::node(const std::string& name) const {
  for (const auto& [id, node] : status.nodes) {
    if (node.name == name) return node;
  }
  static const NodeStatus kNone;
  ADD_FAILURE() << "there is no node " << name << " in\n" << tree();
  return kNone;
}

std::string SimulatedRun::tree() const {
  std::map<std::string, const NodeStatus*> by_name;
  for (const auto& [id, node] : status.nodes) by_name[node.name] = &node;
  std::string text;
  for (const auto& [name, node] : by_name) {
    text += name + " | " + node->type + " | " + to_string(node->phase);
    text += (node->message.empty() ? "" : " | " + node->message) + "\n";
  }
  return text;
}

Timestamp simulated_start() { return *parse_rfc3339("2026-01-02T03:04:05Z"); }

ParsedWorkflow parsed(const std::string& yaml, const std::map<std::string, std::string>& parameters) {
  const auto manifests = parse_manifests(yaml, "test.yaml");
  EXPECT_TRUE(manifests) << manifests.error().message();
  if (!manifests) return {};
  ResolveOptions options;
  options.parameters = parameters;
  auto workflows = resolve_manifests({*manifests}, options);
  EXPECT_TRUE(workflows) << workflows.error().message();
  if (!workflows || workflows->empty()) return {};
  return std::move(workflows->front());
}

WorkflowFacts facts_of(const ParsedWorkflow& workflow) {
  WorkflowFacts facts;
  facts.name = workflow.name;
  facts.name_space = workflow.name_space;
  facts.uid = "6f1d2c3b-0000-4000-8000-000000000001";
  facts.created = simulated_start();
  facts.labels = workflow.metadata.labels;
  return facts;
}

SimulatedRun simulate(const ParsedWorkflow& workflow, const Simulation& simulation) {
  SimulatedRun run;
  const WorkflowFacts facts = facts_of(workflow);
  FakeRuntime runtime(run, simulation.seed);
  Timestamp now = simulated_start();
  for (int call = 0; call < 20000; ++call) {
    const bool terminate = simulation.terminate_after && run.started.size() >= *simulation.terminate_after;
    const WorkflowStatus before = run.status;
    const Decision decision = operate(workflow, facts, run.status, runtime.outcomes, now, terminate);
    EXPECT_EQ(decision.changed, !(run.status == before));
    expect_repeatable(workflow, facts, run.status, runtime.outcomes, now, terminate, decision);
    if (simulation.reload) {
      const auto reloaded = workflow_status_from_json(to_json(run.status));
      EXPECT_TRUE(reloaded) << reloaded.error().message();
      EXPECT_TRUE(*reloaded == run.status) << to_json(run.status) << "\nbecame\n" << to_json(*reloaded);
      run.status = *reloaded;
    }
    for (const std::string& id : decision.stop) runtime.stop(id, now);
    if (is_final(run.status.phase)) {
      EXPECT_TRUE(decision.create.empty());
      return run;
    }
    for (const PodRequest& request : decision.create) runtime.create(request, now);
    if (::testing::Test::HasFailure()) return run;
    const auto next = runtime.choose();
    if (!decision.create.empty() || !decision.stop.empty()) {
      if (next && *next <= now) runtime.move_chosen(now);
      continue;
    }
    if (next && (!decision.wake_at || *next < *decision.wake_at)) {
      now = std::max(now, *next);
      runtime.move_chosen(now);
    } else if (decision.wake_at) {
      EXPECT_GT(*decision.wake_at, now);
      now = *decision.wake_at;
      run.woken.push_back(now);
    } else {
      run.stuck = true;
      return run;
    }
  }
  ADD_FAILURE() << "the workflow does not come to an end:\n" << run.tree();
  return run;
}

SimulatedRun simulate(const std::string& yaml, const Simulation& simulation) {
  const ParsedWorkflow workflow = parsed(yaml, simulation.parameters);
  if (::testing::Test::HasFailure()) return {};
  return simulate(workflow, simulation);
}

}  // namespace logstone::local
