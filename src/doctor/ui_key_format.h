// What the KFP UI's server makes of a key format: less than Argo does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace logstone::doctor {

/// The six tags that the UI's server knows, each replaced once.
[[nodiscard]] const std::vector<std::string>& ui_tags();

struct UiKeyProblems {
  std::vector<std::string> unknown;   ///< Tags that it cannot fill, as written.
  std::vector<std::string> repeated;  ///< Tags that stand there twice or more: the second stays as it is.
  std::string characters;             ///< Those of the fixed text that it refuses in a key, each once.
  [[nodiscard]] bool none() const { return unknown.empty() && repeated.empty() && characters.empty(); }
};
/// Why the UI's server could not make a key from `format`.
[[nodiscard]] UiKeyProblems ui_key_problems(std::string_view format);

/// The format with no blanks within its tags and no `/` at its end. `everywhere`: as the UI does, which drops all
/// blanks.
[[nodiscard]] std::string plain_format(std::string_view format, bool everywhere);
/// The text before the first tag: every log's key begins with it.
[[nodiscard]] std::string fixed_prefix(std::string_view format);
/// The format for one namespace's workflows.
[[nodiscard]] std::string with_namespace(std::string format, const std::string& name_space);

}  // namespace logstone::doctor
