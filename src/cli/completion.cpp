#include "cli/command.h"
#include "cli/terminal.h"

namespace logstone::cli {
namespace {

std::string words_of(const CLI::App& command) {
  std::string words;
  for (const CLI::App* inner : command.get_subcommands({})) {
    if (!inner->get_group().empty()) words += inner->get_name() + " ";
  }
  for (const CLI::Option* option : command.get_options()) {
    for (const auto& name : option->get_lnames()) words += "--" + name + " ";
  }
  return words;
}

/// One `case` a command, made from the commands themselves, so that none is forgotten.
std::string bash_script(const CLI::App& app) {
  std::string cases;
  for (const CLI::App* command : app.get_subcommands({})) {
    if (command->get_group().empty()) continue;
    cases += "    " + command->get_name() + ") words=\"" + words_of(*command) + "\" ;;\n";
  }
  return "# bash completion for logstone: source <(logstone completion bash)\n"
         "_logstone() {\n"
         "  local current=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\" words\n"
         "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
         "    COMPREPLY=($(compgen -W \"" +
         words_of(app) +
         "\" -- \"$current\")); return\n"
         "  fi\n"
         "  case \"$previous\" in\n"
         "    --phase) COMPREPLY=($(compgen -W \"Pending Running Succeeded Failed Error\" -- \"$current\")); return "
         ";;\n"
         "    --data|--config|--parameter-file) COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n"
         "  esac\n"
         "  case \"${COMP_WORDS[1]}\" in\n" +
         cases +
         "  esac\n"
         "  if [[ \"$current\" == -* ]] || [[ \" catalog config completion \" == *\" ${COMP_WORDS[1]} \"* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "  elif [[ \" get logs export verify hold unhold retain rm \" == *\" ${COMP_WORDS[1]} \"* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"@latest $(logstone ls -o name 2>/dev/null)\" -- \"$current\"))\n"
         "  else\n"
         "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
         "  fi\n"
         "}\n"
         "complete -o filenames -F _logstone logstone\n";
}

}  // namespace

void add_completion(CLI::App& app, Context& context, Action& chosen) {
  CLI::App* completion = app.add_subcommand("completion", "Print a shell's completion script");
  completion->require_subcommand(1);
  add_command(*completion, context, chosen, "bash", "For bash", "  source <(logstone completion bash)\n",
              [&app](CLI::App&) -> Action {
                return [&app](const Context&) -> Result<int> {
                  write_out(bash_script(app));
                  return kExitOk;
                };
              });
}

}  // namespace logstone::cli
