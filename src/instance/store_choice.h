// Opens the store that the settings name.
#pragma once

#include <memory>
#include <string>

#include "instance/settings.h"
#include "store/object_store.h"
#include "store/s3/s3_store.h"

namespace logstone {

struct OpenStore {
  std::unique_ptr<ObjectStore> store;
  std::unique_ptr<ObjectStore> probe;     ///< The same, giving up within seconds; null where `store` does anyway.
  std::shared_ptr<S3Metrics> s3_metrics;  ///< Null where it is no S3 store.
  std::string place;                      ///< Without parameters; two stores of one place hold the same objects.
};

/// `may_be_away`: one that cannot be reached now is opened all the same, with a warning; its calls fail until it is
/// back. Credentials and buckets that are refused are errors in any case.
[[nodiscard]] Result<OpenStore> open_store(const Settings& settings, bool may_be_away);

/// Where the filesystem store is; empty where the settings name S3.
[[nodiscard]] std::string store_folder(const Settings& settings);

}  // namespace logstone
