// How long a finished workflow's archive is kept: the first rule that matches decides.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/label_selector.h"
#include "model/record.h"

namespace logstone {

/// An empty member matches everything. `name_space` may hold `*` (any run of characters).
struct RetentionRule {
  std::string name_space;
  LabelSelector labels;
  std::string labels_text;
  std::vector<Phase> phases;
  std::optional<Nanoseconds> keep;  ///< None: forever.
};

class RetentionPolicy {
 public:
  /// Keeps everything forever.
  RetentionPolicy() = default;
  explicit RetentionPolicy(std::vector<RetentionRule> rules) : rules_(std::move(rules)) {}
  /// Reads a policy file's text (YAML, docs/configuration.md):
  ///   rules:
  ///     - namespace: "team-*"
  ///       labels: "tier=gold"
  ///       phases: [Succeeded]
  ///       keep: 90d          # or forever
  /// No match: forever. `name` stands in errors, which name the line.
  [[nodiscard]] static Result<RetentionPolicy> parse(std::string_view yaml, std::string_view name);

  /// When the archive of a finished workflow expires: a person's own retention first, then the rules; none: never.
  /// A legal hold is not looked at here.
  [[nodiscard]] std::optional<Timestamp> expiry(const WorkflowRecord& record) const;
  [[nodiscard]] const std::vector<RetentionRule>& rules() const { return rules_; }

 private:
  std::vector<RetentionRule> rules_;
};

}  // namespace logstone
