// The three small languages in manifests: `when` (govaluate's), `depends` (Argo's), and `{{=...}}` (expr-lang's).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cluster/local/manifest.h"
#include "cluster/local/template_tags.h"

namespace logstone::local {

/// A `when` after its tags were substituted: `heads == tails`, `3 < 5 && !(a =~ b)`, "true". Bare words are strings;
/// two sides that both read as numbers are compared as numbers. Empty is true.
[[nodiscard]] Result<bool> evaluate_when(std::string_view condition);
/// Whether it could be evaluated at all, tags still in it.
[[nodiscard]] Result<> check_when(std::string_view condition);

/// expr-lang over the scope's values, all of them strings until asInt, asFloat or toJson's like convert them:
/// `asInt(inputs.parameters.n) + 1`, `workflow.status == "Failed" ? 'x' : 'y'`, `steps['a-b'].outputs.result`.
/// The result as Argo puts it into a text: strings bare, numbers and booleans plain, lists and maps as JSON.
[[nodiscard]] Result<std::string> evaluate_expression(std::string_view expression, const Scope& scope);
/// For hooks and retryStrategy: the result must be true or false.
[[nodiscard]] Result<bool> evaluate_condition(std::string_view expression, const Scope& scope);
/// Grammar and function names.
[[nodiscard]] Result<> check_expression(std::string_view expression);
/// The scope's names that it may read, in order: "inputs.parameters.n"; a name ends where an index is not constant.
[[nodiscard]] Result<std::vector<std::string>> names_in_expression(std::string_view expression);

/// How a finished task ended, for `depends`. Of a loop: its group's; the last two are about its rounds.
struct TaskOutcome {
  bool succeeded = false;
  bool failed = false;
  bool errored = false;
  bool skipped = false;
  bool omitted = false;
  bool daemoned = false;
  bool any_succeeded = false;
  bool all_failed = false;
};

/// A task's `depends`, or what its `dependencies` mean, with bare names spelled out: A becomes
/// `(A.Succeeded || A.Skipped || A.Daemoned)`, and `|| A.Errored`, `|| A.Failed` as A's continueOn says.
/// Empty: it depends on nothing.
[[nodiscard]] Result<std::string> depends_of(const Task& task, const std::vector<Task>& all);
/// The tasks that a spelled-out expression reads, each once.
[[nodiscard]] Result<std::vector<std::string>> tasks_in_depends(std::string_view depends);
/// Once all of them have finished. Tasks that `outcomes` lacks count as not having run.
[[nodiscard]] Result<bool> evaluate_depends(std::string_view depends,
                                            const std::map<std::string, TaskOutcome>& outcomes);

}  // namespace logstone::local
