// retryStrategy: a Retry node and its attempts.
#include <algorithm>
#include <cmath>
#include <limits>

#include "cluster/local/expression.h"
#include "cluster/local/node_pod.h"
#include "cluster/local/operator_pass.h"
#include "model/argo_names.h"

namespace logstone::local {
namespace {

// Attempts that fail in the very call that made them (an unusable argument) would otherwise follow one another for
// ever.
constexpr int kMostAttemptsAtOnce = 100;

/// "2 minutes 5 seconds".
std::string spoken(Nanoseconds duration) {
  const std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  const auto two = [](std::int64_t a, const char* unit_a, std::int64_t b, const char* unit_b) {
    return std::to_string(a) + " " + unit_a + " " + std::to_string(b) + " " + unit_b;
  };
  if (seconds >= 86400) return two(seconds / 86400, "days", seconds % 86400 / 3600, "hours");
  if (seconds >= 3600) return two(seconds / 3600, "hours", seconds % 3600 / 60, "minutes");
  if (seconds >= 60) return two(seconds / 60, "minutes", seconds % 60, "seconds");
  return std::to_string(seconds) + " seconds";
}

std::string seconds_of(const NodeStatus& node) {
  if (!node.started || !node.finished) return "0";
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(*node.finished - *node.started).count());
}

void add_last_retry(Scope& values, const NodeStatus* last, const std::string& no_exit_code) {
  values["lastRetry.exitCode"] = last == nullptr ? "0" : last->outputs.exit_code.value_or(no_exit_code);
  values["lastRetry.status"] = last == nullptr ? "" : to_string(last->phase);
  values["lastRetry.duration"] = last == nullptr ? "0" : seconds_of(*last);
  values["lastRetry.message"] = last == nullptr ? "" : last->message;
}

Result<std::optional<double>> number_of(const std::string& field, const std::string& text) {
  if (text.empty()) return std::optional<double>();
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end == text.c_str() + text.size() && std::isfinite(value)) return std::optional(value);
  return Error{ErrorKind::kInvalidInput, "read", field, "'" + text + "' is not a number", ""};
}

/// How long to wait after the last of `attempts`.
Result<Nanoseconds> wait_of(const Backoff& backoff, std::size_t attempts) {
  LOGSTONE_ASSIGN(const auto base, duration_of("retryStrategy.backoff.duration", backoff.duration));
  LOGSTONE_ASSIGN(const auto factor, number_of("retryStrategy.backoff.factor", backoff.factor));
  LOGSTONE_ASSIGN(const auto cap, duration_of("retryStrategy.backoff.cap", backoff.cap));
  constexpr double kLongest = 365.0 * 86400e9;  // A year: so that times stay in range.
  double wait = base ? static_cast<double>(base->count()) : 0;
  if (factor && *factor > 0) wait *= std::pow(*factor, static_cast<double>(attempts) - 1);
  Nanoseconds result(static_cast<std::int64_t>(std::min(wait, kLongest)));
  return cap ? std::min(result, *cap) : result;
}

Result<RetryStrategy> resolve_strategy(const RetryStrategy& strategy, const Scope& scope) {
  RetryStrategy resolved = strategy;
  const auto replace = [&](std::string& text) -> Result<> {
    LOGSTONE_ASSIGN(text, substitute(text, scope, Unresolved::kKeep));
    return {};
  };
  if (resolved.limit) LOGSTONE_TRY(replace(*resolved.limit));
  if (resolved.backoff) {
    LOGSTONE_TRY(replace(resolved.backoff->duration));
    LOGSTONE_TRY(replace(resolved.backoff->factor));
    LOGSTONE_TRY(replace(resolved.backoff->max_duration));
    LOGSTONE_TRY(replace(resolved.backoff->cap));
  }
  LOGSTONE_TRY(replace(resolved.expression));
  return resolved;
}

bool policy_retries(RetryPolicy policy, Phase phase) {
  switch (policy) {
    case RetryPolicy::kAlways:
      return true;
    case RetryPolicy::kOnFailure:
      return phase == Phase::kFailed;
    case RetryPolicy::kOnError:
      return phase == Phase::kError;
    case RetryPolicy::kOnTransientError:
      return false;  // Those are errors of a cluster's API, which there is none of here.
  }
  return false;
}

}  // namespace

Result<std::optional<Timestamp>> OperatorPass::attempts_deadline(const RetryStrategy& strategy,
                                                                 const std::vector<NodeStatus*>& attempts) {
  if (!strategy.backoff) return std::optional<Timestamp>();
  LOGSTONE_ASSIGN(const auto longest, duration_of("retryStrategy.backoff.maxDuration", strategy.backoff->max_duration));
  if (!longest) return std::optional<Timestamp>();
  return std::optional((attempts.empty() ? tree_.now() : attempts.front()->started.value_or(tree_.now())) + *longest);
}

Result<OperatorPass::Verdict> OperatorPass::judge_attempts(NodeStatus& retry, const std::vector<NodeStatus*>& attempts,
                                                           const RetryStrategy& strategy, const NodeScope& scope) {
  const NodeStatus& last = *attempts.back();
  const auto over = [&](const std::string& message) {
    tree_.set_phase(retry, last.phase, message);
    return Verdict::kOver;
  };
  if (!is_unsuccessful(last.phase)) {
    tree_.set(retry.outputs, last.outputs);
    tree_.set_phase(retry, Phase::kSucceeded, "");
    return Verdict::kOver;
  }
  if (terminating_) return over("Stopped with strategy 'Terminate'");
  const auto workflow_ends = workflow_deadline();
  if (workflow_ends && !retry.in_exit_handler && tree_.now() >= *workflow_ends) {
    return over("retry exceeded workflow deadline " + format_rfc3339(*workflow_ends));
  }
  LOGSTONE_ASSIGN(const auto deadline, attempts_deadline(strategy, attempts));
  if (deadline && tree_.now() > *deadline) return over("Max duration limit exceeded");
  std::optional<Timestamp> next;
  Nanoseconds wait{0};
  if (strategy.backoff) {
    LOGSTONE_ASSIGN(wait, wait_of(*strategy.backoff, attempts.size()));
    next = last.finished.value_or(tree_.now()) + wait;
    if (deadline && *next > *deadline) return over("Backoff would exceed max duration limit");
  }
  if (!policy_retries(strategy.policy, last.phase)) return over(last.message);
  if (strategy.limit) {
    LOGSTONE_ASSIGN(const auto limit, number_of("retryStrategy.limit", *strategy.limit));
    if (limit && static_cast<double>(attempts.size()) > *limit) return over("No more retries left");
  }
  if (!strategy.expression.empty()) {
    Scope values = scope.values;
    values["retries"] = std::to_string(attempts.size() - 1);
    add_last_retry(values, &last, "-1");
    LOGSTONE_ASSIGN(const bool again, evaluate_condition(strategy.expression, values));
    if (!again) return over("retryStrategy.expression evaluated to false");
  }
  if (next && tree_.now() < *next) {
    tree_.set(retry.message, "Backoff for " + spoken(wait));
    wake_at(*next);
    return Verdict::kWait;
  }
  tree_.set(retry.message, "");
  return Verdict::kAgain;
}

Visit OperatorPass::execute_retry(const Call& call, const NodeScope& scope, const Arguments& inputs) {
  NodeStatus* retry = tree_.find(call.node_name);
  if (retry == nullptr) {
    retry = &tree_.add(call.node_name, kind_of(call, "Retry", false), Phase::kRunning);
    retry->input_parameters = inputs.parameters;
    retry->input_artifacts = inputs.artifacts;
  }
  const auto failed = [&](const Error& error) { return error_node(call, call.node_name, false, error.message()); };
  const auto strategy = resolve_strategy(*call.tmpl->retry_strategy, scope.values);
  if (!strategy) return failed(strategy.error());
  for (int made = 0;; ++made) {
    const std::vector<NodeStatus*> attempts = tree_.attempts_of(*retry);
    NodeStatus* last = attempts.empty() ? nullptr : attempts.back();
    std::size_t number = attempts.size();
    if (last != nullptr && is_final(last->phase)) {
      const auto verdict = judge_attempts(*retry, attempts, *strategy, scope);
      if (!verdict) return failed(verdict.error());
      if (*verdict != Verdict::kAgain) return {retry, ""};
      if (made >= kMostAttemptsAtOnce) {
        return error_node(call, call.node_name, false,
                          std::to_string(made) + " attempts failed at once; the last: " + last->message);
      }
      if (workflow_.parallelism && tree_.active_pods() >= *workflow_.parallelism) return {retry, ""};
      last = nullptr;
    } else if (last != nullptr) {
      number = attempts.size() - 1;
    }
    const NodeStatus* before = number == 0 ? nullptr : attempts[number - 1];
    NodeScope attempt_scope = scope;
    attempt_scope.values["retries"] = std::to_string(number);
    add_last_retry(attempt_scope.values, before, "0");
    const auto deadline = attempts_deadline(*strategy, attempts);
    if (!deadline) return failed(deadline.error());
    const std::string name = call.node_name + "(" + std::to_string(number) + ")";
    const Visit visit = execute_body(call, name, std::move(attempt_scope), inputs, *deadline, true);
    if (visit.node == nullptr) return {retry, ""};
    tree_.add_child(*retry, *visit.node);
    if (!is_final(visit.node->phase)) return {retry, ""};
  }
}

}  // namespace logstone::local
