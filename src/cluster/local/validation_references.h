// Which names a tag may use at a place of a workflow. Inner to validation.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "cluster/local/manifest.h"

namespace logstone::local {

/// Where a text stands.
struct Place {
  const Template* tmpl = nullptr;              ///< Null: the workflow's own fields.
  std::map<std::string, const Step*> callers;  ///< The steps or tasks whose outcome is known there.
  const Step* looping = nullptr;               ///< The step whose loop gives `item`, if any.
  bool in_hook = false;
};

class References {
 public:
  explicit References(const ParsedWorkflow& workflow);
  /// Why `name` ("steps.a.outputs.result") has no value at that place; empty where it has one.
  [[nodiscard]] std::string why_unknown(std::string_view name, const Place& place) const;
  /// The same for a name in an expression, which may stop early ("inputs.parameters") or go on within a value.
  [[nodiscard]] std::string why_unknown_in_expression(std::string_view name, const Place& place) const;

 private:
  [[nodiscard]] std::string of_workflow(std::string_view name, const Place& place, bool whole) const;
  [[nodiscard]] std::string of_inputs(std::string_view name, const Place& place, bool whole) const;
  [[nodiscard]] std::string of_call(std::string_view name, const Place& place, bool whole) const;
  [[nodiscard]] std::string of_item(std::string_view name, const Place& place) const;
  [[nodiscard]] std::string check(std::string_view name, const Place& place, bool whole) const;

  const ParsedWorkflow& workflow_;
  std::set<std::string> global_parameters_;
  std::set<std::string> global_artifacts_;
};

}  // namespace logstone::local
