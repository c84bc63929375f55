// Looks for one pod's log in one bucket by one key format. Inner to this folder.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "argo/known_workflows.h"

namespace logstone::argo {

/// An object that fits.
struct KeyHit {
  ObjectInfo object;
  WorkflowIdentity workflow;
  std::string container;
  bool listed = false;  ///< Found by listing, not by its own key.
};

struct KeySearchResult {
  std::vector<KeyHit> hits;  ///< Of different objects; more than one is a conflict.
  std::string outcome;       ///< Why there is none (or none that is certain).
};

class KeySearch {
 public:
  /// All outlive it. `subject` names the bucket.
  KeySearch(ObjectStore& store, const KeyFormat& format, const KnownWorkflows& known, const PodRequest& request,
            const FinderSettings& settings)
      : store_(store), format_(format), known_(known), request_(request), settings_(settings) {}
  [[nodiscard]] KeySearchResult run();

 private:
  struct Folder {
    std::string key;  ///< Rendered: the pod's own folder.
    WorkflowIdentity workflow;
  };
  [[nodiscard]] bool look_up(const std::vector<Folder>& folders);
  [[nodiscard]] bool look_around(const std::vector<Folder>& folders);
  void list(const KeyGuess& guess);
  void add_hit(ObjectInfo object, const WorkflowIdentity& workflow, const std::string& container, bool listed);
  void note(const std::string& text);
  [[nodiscard]] std::string container() const;
  [[nodiscard]] bool is_strangers(const std::string& folder) const;

  ObjectStore& store_;
  const KeyFormat& format_;
  const KnownWorkflows& known_;
  const PodRequest& request_;
  const FinderSettings& settings_;
  KeySearchResult result_;
  std::size_t listed_ = 0;
  bool unsure_ = false;  ///< A listing was not seen to its end.
  std::map<std::string, std::vector<ObjectInfo>> listings_;
};

/// Which container's log a file of a pod's folder is, and how likely; none where it is no log.
[[nodiscard]] std::optional<std::string> container_of_file(std::string_view file);

}  // namespace logstone::argo
