// From the paths on a command line to deployments: objects that will live together in one cluster.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "doctor/manifest_files.h"
#include "doctor/resource.h"

namespace logstone::doctor {

/// A file that is no Kubernetes object but may hold lifecycle rules of a bucket.
struct LooseDocument {
  Node root;         ///< Null when it is XML.
  std::string text;  ///< XML.
  Place place;
};

struct Deployment {
  std::string name;  ///< The kustomization's folder, the file, or "N files".
  std::vector<Resource> resources;
  std::vector<LooseDocument> loose;
  bool remote = false;  ///< Parts come from URLs, which are not read.
};

struct ManifestSet {
  std::vector<Deployment> deployments;
  std::vector<ReadingNote> notes;
  std::size_t files = 0;      ///< Read.
  std::size_t documents = 0;  ///< Read, objects and others.
  std::size_t unused = 0;     ///< YAML files beneath kustomizations that none of them uses.
};

/// Reads files, folders (walked) and, for "-", `standard_input`. In a folder each kustomization that no other includes
/// is a deployment; other files are one together, but a file that defines again what another defines is one of its own.
/// kInvalidInput when a named path cannot be read, or when not one document could be read.
[[nodiscard]] Result<ManifestSet> read_manifests(const std::vector<std::string>& paths,
                                                 std::string_view standard_input);

}  // namespace logstone::doctor
