// An object that Argo wrote as a log, as a log: plain text, gzip or a .tgz, told apart by its content.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "archive/log_view.h"
#include "base/result.h"
#include "store/object_store.h"

namespace logstone::argo {

struct LogObjectSettings {
  std::filesystem::path spool_folder;                      ///< For unpacked logs; files there have no name.
  std::uint64_t most_bytes = std::uint64_t{4} << 30;       ///< Of one unpacked log.
  std::uint64_t most_kept_bytes = std::uint64_t{1} << 30;  ///< Of unpacked logs kept for the next reader.
};

/// Opens logs in foreign buckets. Thread-safe.
///
/// Plain text is read where it is wanted, through the block cache; a tail reads the object's end only. What is packed
/// is unpacked once, in bounded memory, into the spool folder. The views know no times: `pieces` and `find_time` are
/// kUnsupported, and `extent` knows the lines only once somebody had to count them. What looks packed but is not is
/// text; what is cut or damaged further on is given as far as it goes, with a gap at its end.
class LogObjects {
 public:
  /// `cache` outlives it and every view.
  LogObjects(BlockCache& cache, LogObjectSettings settings);
  ~LogObjects();
  /// `object` as head() gave it. Of an archive's members it takes `<container>.log`, or the only one there is;
  /// kNotFound names them otherwise. kUnsupported when it unpacks to more than `most_bytes`.
  [[nodiscard]] Result<std::shared_ptr<LogView>> open(std::shared_ptr<ObjectStore> store, const ObjectInfo& object,
                                                      const std::string& container);

 private:
  struct Shelf;
  BlockCache& cache_;
  const LogObjectSettings settings_;
  std::unique_ptr<Shelf> shelf_;
};

}  // namespace logstone::argo
