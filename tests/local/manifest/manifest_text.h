// Pieces of manifests for tests.
#pragma once

#include <string>

#include "cluster/local/manifest.h"

namespace logstone::local {

/// A Workflow named "wf" whose spec holds `spec` (indented by two), from line 5 on; source "wf.yaml".
inline std::string workflow_text(const std::string& spec) {
  return "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: wf}\nspec:\n" + spec;
}

/// A template that echoes, without inputs.
inline std::string echo_text(const std::string& name = "echo") {
  return "  - {name: " + name + ", container: {image: debian, command: [echo, hi]}}\n";
}

inline Result<std::vector<ParsedWorkflow>> read_text(const std::string& text, const ResolveOptions& options = {}) {
  auto parsed = parse_manifests(text, "wf.yaml");
  if (!parsed) return std::move(parsed).error();
  return resolve_manifests(*parsed, options);
}

/// The fault of a manifest, or "" if it has none.
inline std::string fault_of(const std::string& text, const ResolveOptions& options = {}) {
  const auto read = read_text(text, options);
  return read ? "" : read.error().reason;
}

}  // namespace logstone::local
