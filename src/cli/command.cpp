#include "cli/command.h"

#include <unistd.h>

#include <algorithm>

#include "base/file.h"

namespace logstone::cli {

Result<LoadedSettings> Context::settings() const {
  std::map<std::string, std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
  std::string file = config_file;
  if (file.empty() && environment.contains("LOGSTONE_CONFIG")) file = environment["LOGSTONE_CONFIG"];
  std::string text;
  if (!file.empty()) {
    auto content = read_file(file, 1 << 20);
    if (!content) {
      Error error = std::move(content).error();
      error.kind = ErrorKind::kInvalidInput;
      return error;
    }
    text = std::move(*content);
  }
  return load_settings(text, file, environment, flags);
}

void add_command(CLI::App& app, Context& context, Action& chosen, const std::string& name, const std::string& help,
                 const std::string& examples, const std::function<Action(CLI::App&)>& configure) {
  CLI::App* command = app.add_subcommand(name, help);
  if (!examples.empty()) command->footer("Examples:\n" + examples);
  command->add_option("--config", context.config_file, "YAML file with settings (or LOGSTONE_CONFIG)");
  command->callback([&chosen, action = configure(*command)] { chosen = action; });
}

void add_setting_flag(CLI::App& command, Context& context, const std::string& key) {
  std::string flag = "--" + key;
  std::replace(flag.begin(), flag.end(), '_', '-');
  for (const auto& description : setting_descriptions()) {
    if (description.key != key) continue;
    command.add_option_function<std::string>(
        flag, [&context, key](const std::string& value) { context.flags[key] = value; }, description.help);
  }
}

}  // namespace logstone::cli
