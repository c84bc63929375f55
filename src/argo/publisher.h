// Writes archived logs where an unmodified KFP or Argo UI looks for them: Argo's own keys, as plain text.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "archive/log_view.h"
#include "base/result.h"
#include "model/key_format.h"
#include "model/record.h"
#include "store/object_store.h"

namespace logstone::argo {

struct PublisherParts {
  ObjectStore& archive;
  BlockCache& cache;
  std::shared_ptr<ObjectStore> bucket;  ///< Argo's.
};

/// Thread-safe; may be repeated: what is there already is not written again.
class Publisher {
 public:
  /// `archive` outlives `cache`, which outlives it. Logs too large for memory pass through a file without a name in
  /// `spool_folder`.
  Publisher(PublisherParts parts, KeyFormat format, std::filesystem::path spool_folder);
  /// Every stream of a sealed workflow, all attempts of a container one after the other: `<key>/<container>.log`. An
  /// object that holds as much or more, or that is packed, stays as it is. Returns in words what was done.
  /// kInvalidInput when the key format has tags that the workflow has no value for; what could be written is.
  [[nodiscard]] Result<std::string> publish(const WorkflowRecord& record);

 private:
  enum class Done { kWritten, kThere };
  [[nodiscard]] Result<Done> publish_log(const std::string& key, const std::vector<const StreamRecord*>& attempts);
  [[nodiscard]] Result<> write(const std::string& key, const std::vector<const StreamRecord*>& attempts, bool replace);
  [[nodiscard]] Result<> read_all(const std::vector<const StreamRecord*>& attempts,
                                  const std::function<Result<>(std::string_view)>& take);

  PublisherParts parts_;
  const KeyFormat format_;
  const std::filesystem::path spool_folder_;
};

}  // namespace logstone::argo
