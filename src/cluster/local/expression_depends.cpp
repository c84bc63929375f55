// `depends`: names of tasks and how they ended, joined by &&, ||, ! and parentheses.
#include <algorithm>
#include <array>
#include <cctype>
#include <functional>

#include "cluster/local/expression.h"

namespace logstone::local {

namespace {

constexpr int kMaxDepth = 100;
constexpr std::size_t kMaxBytes = 1 << 20;

struct NamedOutcome {
  const char* name;
  bool TaskOutcome::*field;
};
constexpr std::array<NamedOutcome, 8> kOutcomes = {{{"Succeeded", &TaskOutcome::succeeded},
                                                    {"Failed", &TaskOutcome::failed},
                                                    {"Errored", &TaskOutcome::errored},
                                                    {"Skipped", &TaskOutcome::skipped},
                                                    {"Omitted", &TaskOutcome::omitted},
                                                    {"Daemoned", &TaskOutcome::daemoned},
                                                    {"AnySucceeded", &TaskOutcome::any_succeeded},
                                                    {"AllFailed", &TaskOutcome::all_failed}}};

/// Reads an expression once: `term` gives a leaf's truth, and sees every leaf whatever the rest says.
class Depends {
 public:
  using Term = std::function<Result<bool>(const std::string& task, const std::string& outcome, std::size_t begin,
                                          std::size_t end)>;
  Depends(std::string_view text, Term term) : text_(text), term_(std::move(term)) {}

  Result<bool> evaluate() {
    if (text_.size() > kMaxBytes) return bad("it has more than 1 MiB");
    LOGSTONE_ASSIGN(const bool value, either());
    skip_blanks();
    if (at_ < text_.size()) return bad("`" + std::string(text_.substr(at_, 20)) + "` is not expected here");
    return value;
  }

 private:
  Error bad(std::string reason) const {
    return Error{ErrorKind::kInvalidInput, "evaluate depends", std::string(text_.substr(0, 300)), std::move(reason),
                 "Write tasks and outcomes such as: A && (B.Succeeded || C.Failed)."};
  }
  void skip_blanks() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  bool take(std::string_view symbol) {
    skip_blanks();
    if (text_.substr(at_, symbol.size()) != symbol) return false;
    at_ += symbol.size();
    return true;
  }
  Result<bool> either() {
    if (++depth_ > kMaxDepth) return bad("nested too deep");
    LOGSTONE_ASSIGN(bool value, both());
    while (take("||")) {
      LOGSTONE_ASSIGN(const bool right, both());
      value = value || right;
    }
    --depth_;
    return value;
  }
  Result<bool> both() {
    LOGSTONE_ASSIGN(bool value, one());
    while (take("&&")) {
      LOGSTONE_ASSIGN(const bool right, one());
      value = value && right;
    }
    return value;
  }
  Result<bool> one() {
    if (take("!")) {
      if (++depth_ > kMaxDepth) return bad("nested too deep");
      LOGSTONE_ASSIGN(const bool value, one());
      --depth_;
      return !value;
    }
    if (take("(")) {
      LOGSTONE_ASSIGN(const bool value, either());
      if (!take(")")) return bad("`)` is missing");
      return value;
    }
    skip_blanks();
    const std::size_t begin = at_;
    const std::string task = word();
    if (task.empty()) {
      return bad(begin >= text_.size() ? "it ends too early"
                                       : "`" + std::string(text_.substr(begin, 20)) + "` is not expected here");
    }
    std::string outcome;
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      outcome = word();
      const bool known =
          std::any_of(kOutcomes.begin(), kOutcomes.end(), [&](const auto& o) { return outcome == o.name; });
      if (!known) {
        return bad("`" + outcome + "` of " + task +
                   " is none of Succeeded, Failed, Errored, Skipped, Omitted, Daemoned, AnySucceeded, AllFailed");
      }
    }
    return term_(task, outcome, begin, at_);
  }
  std::string word() {
    std::string out;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '-' || text_[at_] == '_')) {
      out += text_[at_++];
    }
    return out;
  }

  std::string_view text_;
  Term term_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

/// What a bare name means.
std::string spelled_out(const std::string& name, const std::vector<Task>& all) {
  std::string out = "(" + name + ".Succeeded || " + name + ".Skipped || " + name + ".Daemoned";
  const auto task = std::find_if(all.begin(), all.end(), [&](const Task& t) { return t.name == name; });
  if (task != all.end() && task->continue_on.error) out += " || " + name + ".Errored";
  if (task != all.end() && task->continue_on.failed) out += " || " + name + ".Failed";
  return out + ")";
}

}  // namespace

Result<std::string> depends_of(const Task& task, const std::vector<Task>& all) {
  std::string out;
  if (task.depends.empty()) {
    for (const std::string& name : task.dependencies) out += (out.empty() ? "" : " && ") + spelled_out(name, all);
    return out;
  }
  std::size_t copied = 0;
  LOGSTONE_TRY(Depends(task.depends,
                       [&](const std::string& name, const std::string& outcome, std::size_t begin,
                           std::size_t end) -> Result<bool> {
                         if (!outcome.empty()) return true;
                         out.append(task.depends, copied, begin - copied);
                         out += spelled_out(name, all);
                         copied = end;
                         return true;
                       })
                   .evaluate());
  out.append(task.depends, copied);
  return out;
}

Result<std::vector<std::string>> tasks_in_depends(std::string_view depends) {
  std::vector<std::string> out;
  if (depends.find_first_not_of(" \t\r\n") == std::string_view::npos) return out;
  LOGSTONE_TRY(
      Depends(depends, [&](const std::string& name, const std::string&, std::size_t, std::size_t) -> Result<bool> {
        if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
        return true;
      }).evaluate());
  return out;
}

Result<bool> evaluate_depends(std::string_view depends, const std::map<std::string, TaskOutcome>& outcomes) {
  if (depends.find_first_not_of(" \t\r\n") == std::string_view::npos) return true;
  return Depends(depends,
                 [&](const std::string& name, const std::string& outcome, std::size_t, std::size_t) -> Result<bool> {
                   const auto it = outcomes.find(name);
                   if (it == outcomes.end()) return false;
                   const TaskOutcome& of = it->second;
                   if (outcome.empty()) return of.succeeded || of.skipped || of.daemoned;
                   const auto field = std::find_if(kOutcomes.begin(), kOutcomes.end(),
                                                   [&](const auto& o) { return outcome == o.name; });
                   return field != kOutcomes.end() && of.*(field->field);
                 })
      .evaluate();
}

}  // namespace logstone::local
