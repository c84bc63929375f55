// A Kubernetes object as a deployment will have it, and what was noticed while it was read.
#pragma once

#include <string>
#include <vector>

#include "doctor/manifest_node.h"

namespace logstone::doctor {

struct Resource {
  Node root;
  std::vector<std::string> former_names;  ///< Before prefixes; patches and replacements may still use them.
  bool patch_only = false;                ///< Only what a patch says: the object itself is elsewhere.

  [[nodiscard]] std::string kind() const { return root.text_at({"kind"}); }
  [[nodiscard]] std::string name() const { return root.text_at({"metadata", "name"}); }
  [[nodiscard]] std::string name_space() const { return root.text_at({"metadata", "namespace"}); }
  [[nodiscard]] bool has_name(std::string_view name) const;
};

/// Something about the reading itself that a person should know.
struct ReadingNote {
  enum class Kind {
    kUnreadable,    ///< A document that no YAML parser reads.
    kHelmTemplate,  ///< A document that Helm has still to work on.
    kHelmChart,     ///< A chart's folder.
    kRemote,        ///< A kustomization takes something from a URL.
    kMissing,       ///< A kustomization names a file that is not there.
    kNotApplied,    ///< A patch or generator that could not be applied.
  };
  Kind kind;
  Place place;
  std::string what;
};

/// `apps/v1` and the like, `v1`: kinds whose lists merge by name. Custom kinds' lists are replaced whole.
[[nodiscard]] bool is_built_in(const Node& root);
/// Kinds that have no namespace.
[[nodiscard]] bool is_cluster_scoped(const std::string& kind);
/// The objects of a document: one, or a List's items. Nothing where it is no Kubernetes object.
[[nodiscard]] std::vector<Resource> resources_of(Node document);

}  // namespace logstone::doctor
