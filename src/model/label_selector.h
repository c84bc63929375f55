// Kubernetes' label selectors: "a=b,c!=d,e in (f,g),h notin (i),j,!k".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/workflow.h"

namespace logstone {

class LabelSelector {
 public:
  /// As Kubernetes: kNotIn also holds where the label is absent.
  enum class Operator { kIn, kNotIn, kExists, kAbsent };
  struct Requirement {
    std::string key;
    Operator op;
    std::vector<std::string> values;  ///< Of kIn and kNotIn: at least one.
  };

  /// Empty text selects everything. kInvalidInput names the part that cannot be read.
  [[nodiscard]] static Result<LabelSelector> parse(std::string_view text);
  /// All of them must hold; at most 64, of at most 1,000 values each.
  [[nodiscard]] const std::vector<Requirement>& requirements() const { return requirements_; }
  [[nodiscard]] bool matches(const Labels& labels) const;

 private:
  std::vector<Requirement> requirements_;
};

}  // namespace logstone
