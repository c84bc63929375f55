#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/connection.h"
#include "cli/terminal.h"

namespace logstone::cli {
namespace {

struct Flags {
  std::string name_space;
  std::string since;
  bool dry_run = false;
  bool copy = false;
  std::string output = "text";
};

constexpr int kAttempts = 6;  ///< A step changes nothing twice: it may be asked for again.

/// What a walk did so far.
struct Progress {
  std::map<std::string, std::uint64_t> counts;
  std::vector<std::string> problems;
  std::size_t workflows = 0;
  std::string source;

  [[nodiscard]] std::uint64_t count(const std::string& name) const {
    const auto found = counts.find(name);
    return found == counts.end() ? 0 : found->second;
  }
};

class Meter {
 public:
  explicit Meter(bool quiet) : bar_(!quiet && ::isatty(STDERR_FILENO) != 0), lines_(!quiet && !bar_) {}
  ~Meter() {
    if (bar_) std::fprintf(stderr, "\r\033[K");
  }
  void tell(const Progress& progress) {
    const std::string text = std::to_string(progress.count("objects")) + " objects, " +
                             std::to_string(progress.count("adopted") + progress.count("updated")) + " logs adopted, " +
                             std::to_string(progress.count("unchanged")) + " before";
    if (bar_) std::fprintf(stderr, "\r\033[K%s", text.c_str());
    // In a file or a pipe: a line for each 10,000 objects.
    if (lines_ && progress.count("objects") >= next_) {
      std::fprintf(stderr, "%s\n", text.c_str());
      next_ = progress.count("objects") + 10'000;
    }
  }

 private:
  bool bar_;
  bool lines_;
  std::uint64_t next_ = 10'000;
};

Result<nlohmann::json> step(const ApiClient& client, const std::string& path) {
  for (int attempt = 1;; ++attempt) {
    auto answer = client.send("POST", path, nlohmann::json::object());
    if (answer || attempt == kAttempts || answer.error().kind != ErrorKind::kUnavailable) return answer;
    std::this_thread::sleep_for(std::chrono::milliseconds(200) * (1 << attempt));
  }
}

void take(Progress& progress, const nlohmann::json& answer) {
  progress.source = answer.value("source", "");
  const nlohmann::json counts = answer.value("counts", nlohmann::json::object());
  for (const auto& [name, count] : counts.items()) {
    if (count.is_number_unsigned()) progress.counts[name] += count.get<std::uint64_t>();
  }
  for (const auto& problem : answer.value("problems", nlohmann::json::array())) {
    if (problem.is_string() && progress.problems.size() < 20) progress.problems.push_back(problem.get<std::string>());
  }
  progress.workflows += answer.value("workflows", nlohmann::json::array()).size();
}

std::string as_text(const Progress& progress, const Flags& flags) {
  const std::string verb = flags.dry_run ? "would be " : "";
  std::string out = std::to_string(progress.count("adopted")) + " logs " + verb + "adopted" +
                    (flags.copy ? " by copy" : " by reference") + " (" + human_size(progress.count("bytes")) +
                    ") from " + printable(progress.source) + "\n";
  const auto line = [&](const char* name, const std::string& text) {
    if (progress.count(name) > 0) out += "  " + std::to_string(progress.count(name)) + ' ' + text + '\n';
  };
  line("updated", verb + "updated: the object has changed since, or is copied now");
  line("unchanged", "unchanged: adopted before");
  line("ours", "not needed: our own archive has them");
  line("unfinished", "left: their workflow is not archived to its end yet");
  line("removed", "left: their workflow's archive was removed here");
  line("filtered", "left: older than --since");
  line("foreign", "objects are no logs, or not in any of the key formats");
  line("unclear", "left: their key does not tell for certain whose they are");
  line("failed", "failed");
  for (const std::string& problem : progress.problems) out += "  problem: " + printable(problem) + '\n';
  return out;
}

Result<int> adopt(const Context& context, const Flags& flags) {
  LOGSTONE_ASSIGN(const Connection connection, connect(context, !flags.dry_run));
  Query query;
  query.add("namespace", flags.name_space).add("since", flags.since);
  if (flags.dry_run) query.add("dryRun", "true");
  if (flags.copy) query.add("copy", "true");
  const bool json = flags.output == "json";
  Progress progress;
  {
    Meter meter(json);
    std::string cursor;
    do {
      Query here = query;
      here.add("cursor", cursor);
      LOGSTONE_ASSIGN(const nlohmann::json answer, step(connection.client, "/api/v1/adoptions" + here.text()));
      take(progress, answer);
      if (flags.dry_run && !json) {
        for (const auto& one : answer.value("workflows", nlohmann::json::array())) {
          write_out(printable(one.value("namespace", "") + '/' + one.value("name", "")) + "  " +
                    std::to_string(one.value("logs", 0)) + " logs\n");
        }
      }
      meter.tell(progress);
      cursor = answer.value("cursor", "");
    } while (!cursor.empty());
  }
  if (json) {
    const nlohmann::ordered_json all = {{"source", progress.source},
                                        {"dryRun", flags.dry_run},
                                        {"copy", flags.copy},
                                        {"counts", progress.counts},
                                        {"problems", progress.problems}};
    write_out(all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n');
  } else {
    write_out(as_text(progress, flags));
  }
  return progress.count("failed") > 0 ? kExitNo : kExitOk;
}

}  // namespace

void add_adopt(CLI::App& app, Context& context, Action& chosen) {
  add_command(
      app, context, chosen, "adopt", "Take the logs that Argo archived into the catalogue",
      "  logstone adopt --dry-run\n  logstone adopt --namespace team-a --since 30d\n  logstone adopt --copy\n"
      "Argo's bucket and key formats are the settings argo_store and key_formats of whoever has the archive.\n"
      "It may be ended and run again at any time; Argo's objects are never changed.\n",
      [&context](CLI::App& command) -> Action {
        auto flags = std::make_shared<Flags>();
        command.add_option("-n,--namespace", flags->name_space, "only this namespace");
        command.add_option("--since", flags->since, "only logs written since: 30d, or a time");
        command.add_flag("--dry-run", flags->dry_run, "tell what would be adopted");
        command.add_flag("--copy", flags->copy, "copy the logs into our own archive, verified");
        command.add_option("-o,--output", flags->output, "text or json")->check(CLI::IsMember({"text", "json"}));
        add_connection_flags(command, context);
        return [flags](const Context& c) { return adopt(c, *flags); };
      });
}

}  // namespace logstone::cli
