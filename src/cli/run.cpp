#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "base/log.h"
#include "cli/command.h"
#include "cli/log_printer.h"
#include "cli/signals.h"
#include "cli/submission.h"
#include "cli/terminal.h"
#include "instance/instance.h"

namespace logstone::cli {
namespace {

/// Waits for every workflow to reach `state`; a signal terminates them, a second one gives up waiting.
bool wait_for(Instance& instance, const std::vector<WorkflowIdentity>& workflows, LifecycleState state,
              SignalWaiter& signals, bool& interrupted) {
  for (const auto& id : workflows) {
    const auto handle = instance.agent()->when_reached(id.uid, state, [&signals] { signals.wake(); });
    while (signals.wait() == SignalWaiter::Event::kSignal) {
      if (interrupted) return false;
      interrupted = true;
      std::fprintf(stderr, "terminating; once more to leave at once\n");
      for (const auto& running : workflows) {
        if (auto ended = instance.cluster()->terminate(running.uid); !ended) {
          log_debug("a workflow is not terminated", {{"reason", ended.error().message()}});
        }
      }
    }
  }
  return true;
}

Result<int> outcome(Instance& instance, const std::vector<WorkflowIdentity>& workflows, bool wait_archived) {
  int code = kExitOk;
  for (const auto& id : workflows) {
    LOGSTONE_ASSIGN(const WorkflowRecord record, instance.book().read(id.uid));
    std::string line = id.name + ": " + to_string(record.phase);
    if (!record.message.empty()) line += ": " + printable(record.message);
    if (wait_archived && record.state >= LifecycleState::kVerified) line += "; archived and read back";
    if (!record.problem.empty()) line += "; not archived: " + printable(record.problem);
    std::fprintf(stderr, "%s\n", line.c_str());
    if (record.phase != Phase::kSucceeded || (wait_archived && record.state < LifecycleState::kVerified)) {
      code = kExitNo;
    }
  }
  return code;
}

Result<int> run(const Context& context, const SubmissionFlags& flags, bool wait_archived) {
  LOGSTONE_ASSIGN(LoadedSettings loaded, context.settings());
  set_log_level(loaded.settings.log_level);
  LOGSTONE_ASSIGN(const std::vector<Submission> submissions, read_submissions(flags));
  SignalWaiter signals;
  InstanceOptions options;
  options.settings = loaded.settings;
  options.mode = InstanceMode::kServe;
  LOGSTONE_ASSIGN(options.shim_command, shim_command());
  LOGSTONE_ASSIGN(const std::unique_ptr<Instance> instance, Instance::open(std::move(options)));
  LOGSTONE_ASSIGN(const std::vector<WorkflowIdentity> workflows, instance->cluster()->submit(submissions));
  const ApiClient client("", instance->address().socket);
  bool interrupted = false;
  // The agent makes the records; before that nothing can be asked about them.
  bool waited = wait_for(*instance, workflows, LifecycleState::kRunning, signals, interrupted);
  {
    PrintOptions print;
    print.follow = true;
    print.prefix = true;
    std::vector<std::unique_ptr<LogPrinter>> printers;
    std::vector<std::jthread> threads;
    for (const auto& id : workflows) {
      std::fprintf(stderr, "submitted %s/%s\n", id.name_space.c_str(), id.name.c_str());
      LogPrinter& printer = *printers.emplace_back(std::make_unique<LogPrinter>(client, id.uid, print));
      threads.emplace_back([&printer, name = id.name] {
        if (auto printed = printer.follow_all({}); !printed) {
          log_warning("a log is not shown to its end", {{"workflow", name}, {"reason", printed.error().message()}});
        }
      });
    }
    waited = waited && wait_for(*instance, workflows, LifecycleState::kFinished, signals, interrupted);
    if (waited && wait_archived) {
      waited = wait_for(*instance, workflows, LifecycleState::kVerified, signals, interrupted);
    }
    if (!waited) instance->stop();  // Ends the printers' streams.
  }
  if (!waited) return kExitNo;
  auto code = outcome(*instance, workflows, wait_archived);
  instance->stop();
  return code;
}

}  // namespace

void add_run(CLI::App& app, Context& context, Action& chosen) {
  add_command(
      app, context, chosen, "run", "Run workflows to their end in the foreground",
      "  logstone run examples/hello.yaml -p name=you\n  logstone run train.yaml --wait-archived && echo safe\n",
      [&context](CLI::App& command) -> Action {
        auto flags = std::make_shared<SubmissionFlags>();
        auto wait_archived = std::make_shared<bool>(false);
        add_submission_flags(command, *flags, true);
        command.add_flag("--wait-archived", *wait_archived,
                         "end only once the logs are archived and read back; part of the exit code then");
        for (const char* key : {"data", "store", "log_level", "parallel_pods"}) {
          add_setting_flag(command, context, key);
        }
        return [=](const Context& c) { return run(c, *flags, *wait_archived); };
      });
}

}  // namespace logstone::cli
