// `{{name}}` and `{{=expression}}` in a manifest's texts, and the loops that give `{{item}}`.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cluster/local/manifest.h"

namespace logstone::local {

/// Values by their full names: "inputs.parameters.x", "steps.a.outputs.result", "item", "item.key", "workflow.name",
/// "workflow.parameters.x". A name may stand for a value and begin other names too (`item` and `item.key`).
using Scope = std::map<std::string, std::string, std::less<>>;

/// What becomes of a tag whose name the scope lacks.
enum class Unresolved {
  kKeep,  ///< It stays as it is, for a later scope.
  kFail,  ///< kInvalidInput naming the tag.
};

/// Blanks within the braces do not matter. A value's own tags are not looked at again.
[[nodiscard]] Result<std::string> substitute(std::string_view text, const Scope& scope, Unresolved unresolved);

/// The tags of a text in order, without braces and blanks; expressions keep their leading `=`.
[[nodiscard]] Result<std::vector<std::string>> tags_of(std::string_view text);

/// Every text of it that may hold tags, replaced in a copy. A step's loop and `when` included; the inline template not
/// (it has inputs of its own).
[[nodiscard]] Result<Step> substitute_step(const Step& step, const Scope& scope, Unresolved unresolved);
/// For pods: containers, env, sources, artifacts, deadlines, retries, metadata. Steps and DAGs within stay as they are.
[[nodiscard]] Result<Template> substitute_template(const Template& tmpl, const Scope& scope, Unresolved unresolved);
[[nodiscard]] Result<Values> substitute_values(const Values& values, const Scope& scope, Unresolved unresolved);
[[nodiscard]] Result<LifecycleHook> substitute_hook(const LifecycleHook& hook, const Scope& scope,
                                                    Unresolved unresolved);

/// One round of a loop.
struct LoopItem {
  std::string text;     ///< What `{{item}}` gives: a string bare, all else as JSON.
  std::string display;  ///< For the node's name `step(0:<display>)`, as Argo writes it: "a", "k:v,l:w".
  Scope scope;          ///< "item", and "item.<key>" where it is a map.
};

/// The rounds of a loop whose outer tags were substituted. Empty for an empty list; 100,000 at most.
[[nodiscard]] Result<std::vector<LoopItem>> expand_loop(const Loop& loop);

}  // namespace logstone::local
