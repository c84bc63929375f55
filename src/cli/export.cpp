#include <fcntl.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/connection.h"
#include "cli/terminal.h"

namespace logstone::cli {
namespace {

namespace fs = std::filesystem;

Result<> write_stream(const ApiClient& client, const std::string& uid, const std::string& key, const fs::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd.valid()) return system_error("write file", path, errno);
  Result<> wrote;
  LOGSTONE_TRY(client.stream(workflow_path(uid) + "/log/" + encode(key), [&](std::string_view bytes) {
    wrote = write_all(fd.get(), bytes, path);
    return wrote.has_value();
  }));
  return wrote;
}

Result<int> export_workflow(const Context& context, const std::string& reference, const fs::path& folder) {
  LOGSTONE_ASSIGN(const Connection connection, connect(context, false));
  LOGSTONE_ASSIGN(const nlohmann::json workflow, connection.client.get(workflow_path(reference) + "?manifest=true"));
  std::error_code ignored;
  if (fs::exists(folder, ignored) && !fs::is_empty(folder, ignored)) {
    return Error{ErrorKind::kInvalidInput, "export to", folder.string(), "it is not empty", "name a new folder"};
  }
  LOGSTONE_TRY(make_directories(folder));
  std::size_t count = 0;
  std::size_t damaged = 0;
  for (const auto& stream : workflow.value("streams", nlohmann::json::array())) {
    const std::string key = stream.value("key", "");
    // Keys are safe as file names by construction; a server that sends others is not trusted with paths.
    if (key.empty() || key.front() == '.' || key.find('/') != std::string::npos) {
      return Error{ErrorKind::kCorrupt, "export stream", key, "its key is no file name", ""};
    }
    auto wrote = write_stream(connection.client, workflow.value("uid", ""), key, folder / (key + ".log"));
    if (wrote) {
      ++count;
    } else if (concerns_one_log(wrote.error())) {
      // The intact ones are still worth having.
      std::fprintf(stderr, "logstone: %s.log is not whole: %s\n", key.c_str(), wrote.error().message().c_str());
      ++damaged;
    } else {
      return std::move(wrote).error();
    }
  }
  LOGSTONE_TRY(write_file_atomically(folder / "record.json", workflow.dump(2) + "\n", folder));
  write_out(std::to_string(count) + " logs and record.json are in " + folder.string() + "\n");
  if (damaged == 0) return kExitOk;
  write_out(std::to_string(damaged) + " logs are damaged in the archive\n");
  return kExitNo;
}

}  // namespace

void add_export(CLI::App& app, Context& context, Action& chosen) {
  add_command(
      app, context, chosen, "export", "Write a workflow's logs and record as plain files",
      "  logstone export @latest ./hello\n", [&context](CLI::App& command) -> Action {
        auto reference = std::make_shared<std::string>();
        auto folder = std::make_shared<std::string>();
        command.add_option("WORKFLOW", *reference, "name, namespace/name, uid, unique prefix or @latest")->required();
        command.add_option("DIR", *folder, "a folder that is empty or does not exist")->required();
        add_connection_flags(command, context);
        return [=](const Context& c) { return export_workflow(c, *reference, *folder); };
      });
}

}  // namespace logstone::cli
