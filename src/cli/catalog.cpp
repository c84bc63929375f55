#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "base/log.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "instance/instance.h"

namespace logstone::cli {
namespace {

Result<int> rebuild(const Context& context) {
  LOGSTONE_ASSIGN(LoadedSettings loaded, context.settings());
  set_log_level(loaded.settings.log_level);
  InstanceOptions options;
  options.settings = loaded.settings;
  options.mode = InstanceMode::kMaintain;
  options.makes_catalog = true;
  auto instance = Instance::open(options);
  if (!instance && instance.error().kind == ErrorKind::kCorrupt) {
    // The catalogue is derived: one that cannot be opened is thrown away and made again.
    for (const char* name : {"catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"}) {
      std::error_code ignored;
      std::filesystem::remove(std::filesystem::path(loaded.settings.data) / name, ignored);
    }
    instance = Instance::open(options);
  }
  if (!instance) return std::move(instance).error();
  const bool bar = ::isatty(STDERR_FILENO) != 0;
  LOGSTONE_ASSIGN(const RecordBook::RebuildCounts counts, (*instance)->book().rebuild([&](std::uint64_t done) {
    if (bar && done % 100 == 0) std::fprintf(stderr, "\r%llu records", static_cast<unsigned long long>(done));
  }));
  if (bar) std::fprintf(stderr, "\r\033[K");
  LOGSTONE_TRY((*instance)->catalog_is_made());
  write_out(std::to_string(counts.taken) + " workflows are in the catalogue again\n");
  if (counts.damaged == 0) return kExitOk;
  write_out(std::to_string(counts.damaged) + " records are damaged and were left out; the log names them\n");
  return kExitNo;
}

}  // namespace

void add_catalog(CLI::App& app, Context& context, Action& chosen) {
  CLI::App* catalog = app.add_subcommand("catalog", "The queryable index of the archive");
  catalog->require_subcommand(1);
  add_command(*catalog, context, chosen, "rebuild", "Make the catalogue again from the store alone",
              "  logstone catalog rebuild --data ./logstone-data\n", [&context](CLI::App& command) -> Action {
                add_setting_flag(command, context, "data");
                add_setting_flag(command, context, "store");
                return &rebuild;
              });
}

}  // namespace logstone::cli
