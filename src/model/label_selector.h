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
  /// Empty text selects everything. kInvalidInput names the part that cannot be read.
  [[nodiscard]] static Result<LabelSelector> parse(std::string_view text);
  [[nodiscard]] bool matches(const Labels& labels) const;

 private:
  enum class Operator { kIn, kNotIn, kExists, kAbsent };
  struct Requirement {
    std::string key;
    Operator op;
    std::vector<std::string> values;
  };
  std::vector<Requirement> requirements_;
};

}  // namespace logstone
