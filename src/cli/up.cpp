#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "base/log.h"
#include "cli/command.h"
#include "cli/signals.h"
#include "cli/submission.h"
#include "cli/terminal.h"
#include "instance/instance.h"

namespace logstone::cli {
namespace {

namespace fs = std::filesystem;

void say(const std::string& text) { write_out(text + "\n"); }

/// Commands that can be typed as they stand: this program as it was called, on this folder.
struct Hints {
  explicit Hints(const Settings& settings) {
    const std::string& data = settings.data;
    if (fs::absolute(data).lexically_normal() != fs::absolute(Settings().data).lexically_normal()) {
      folder = " --data " + data;
    }
  }
  [[nodiscard]] std::string command(const std::string& words) const {
    return std::string(program_invocation_name) + " " + words + folder;
  }
  std::string folder;
};

/// Tells a submitted workflow's way on the terminal, station by station.
class Narrator {
 public:
  Narrator(Agent& agent, RecordBook& book, Hints hints) : agent_(agent), book_(book), hints_(std::move(hints)) {}

  void tell(const WorkflowIdentity& id) {
    const auto on = [&](LifecycleState state, auto speak) {
      handles_.push_back(agent_.when_reached(id.uid, state, [this, id, state, speak] {
        const auto record = book_.read(id.uid);
        if (!record) return;
        if (record->state < state && !record->problem.empty()) {
          say(id.name + ": " + coloured("stopped", Colour::kRed) + ": " + record->problem);
        } else {
          speak(*record);
        }
      }));
    };
    on(LifecycleState::kFinished, [](const WorkflowRecord& record) {
      const char* phase = to_string(record.phase);
      say(record.id.name + ": " + coloured(phase, phase_colour(phase)));
    });
    on(LifecycleState::kVerified, [](const WorkflowRecord& record) {
      std::uint64_t bytes = 0;
      for (const auto& stream : record.streams) bytes += stream.bytes;
      say(record.id.name + ": " + std::to_string(record.streams.size()) + " logs (" + human_size(bytes) +
          ") archived and read back");
    });
    on(LifecycleState::kDeleted, [hints = hints_](const WorkflowRecord& record) {
      say(record.id.name +
          ": deleted from the cluster, its pods too. Its logs stay: " + hints.command("logs " + record.id.name));
    });
  }

 private:
  Agent& agent_;
  RecordBook& book_;
  const Hints hints_;
  std::vector<std::shared_ptr<void>> handles_;
};

void greet(Instance& instance, const Settings& settings, const Hints& hints,
           const std::vector<WorkflowIdentity>& submitted) {
  WorkflowQuery query;
  query.limit = 1000;
  std::size_t count = 0;
  if (const auto page = instance.catalog().list(query)) count = page->workflows.size();
  say("Logstone " LOGSTONE_VERSION " on " + instance.address().url + ", data in " + settings.data +
      (settings.store.empty() ? "" : ", archive in " + settings.store.substr(0, settings.store.find('?'))) + " (" +
      (count >= query.limit ? "over " : "") + std::to_string(count) + " workflows there)");
  for (const auto& id : submitted) say("Submitted " + id.name_space + "/" + id.name);
  const std::string reference = submitted.empty() ? "@latest" : submitted.back().name;
  say("\nOpen   " + instance.address().url + "/\nTry    " + hints.command("ls") + "\n       " +
      hints.command("logs " + reference + " -f") + "\n       " + hints.command("get " + reference) + "\n       curl " +
      instance.address().url + "/api/v1/workflows\nEnd    Ctrl-C\n");
}

Result<int> up(const Context& context, const SubmissionFlags& flags) {
  LOGSTONE_ASSIGN(LoadedSettings loaded, context.settings());
  set_log_level(loaded.settings.log_level);
  LOGSTONE_ASSIGN(const std::vector<Submission> submissions, read_submissions(flags));
  SignalWaiter signals;
  InstanceOptions options;
  options.settings = loaded.settings;
  options.mode = InstanceMode::kServe;
  options.listen_tcp = true;
  LOGSTONE_ASSIGN(options.shim_command, shim_command());
  LOGSTONE_ASSIGN(const std::unique_ptr<Instance> instance, Instance::open(std::move(options)));
  std::vector<WorkflowIdentity> submitted;
  if (!submissions.empty()) {
    LOGSTONE_ASSIGN(submitted, instance->cluster()->submit(submissions));
  }
  const Hints hints(loaded.settings);
  greet(*instance, loaded.settings, hints, submitted);
  {
    Narrator narrator(*instance->agent(), instance->book(), hints);
    for (const auto& id : submitted) narrator.tell(id);
    while (signals.wait() != SignalWaiter::Event::kSignal) continue;
  }
  say("Ending: what was read is made durable");
  instance->stop();
  return kExitOk;
}

}  // namespace

void add_up(CLI::App& app, Context& context, Action& chosen) {
  add_command(app, context, chosen, "up", "Run agent, engine and server in one process; submit the files",
              "  logstone up\n  logstone up --listen 127.0.0.1:9000 --data /srv/logs examples/hello.yaml\n",
              [&context](CLI::App& command) -> Action {
                auto flags = std::make_shared<SubmissionFlags>();
                add_submission_flags(command, *flags, false);
                for (const char* key : {"data", "store", "listen", "argo_store", "key_formats", "log_level",
                                        "retention_policy", "segment_bytes", "segment_age", "parallel_pods"}) {
                  add_setting_flag(command, context, key);
                }
                return [flags](const Context& c) { return up(c, *flags); };
              });
}

}  // namespace logstone::cli
