// The finder of Argo's logs as the settings make it: which bucket, which keys, which ConfigMaps and Secrets.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/record_book.h"
#include "argo/log_finder.h"
#include "catalog/catalog.h"

namespace logstone {

/// What the program's settings say of Argo's logs.
struct ArgoSettings {
  std::vector<std::string> key_formats;
  std::string store;  ///< s3://BUCKET?..., as parse_s3_url reads it; empty: none.
  std::string access_key;
  std::string secret_key;
  std::string config;      ///< Folder for open_config_folder; empty: none.
  std::string name_space;  ///< Of the controller, and of requests that name none; empty: "argo", and not known.
  std::string log_container = "main";
  std::size_t most_listed = 1000;
  std::size_t unpacked_bytes = std::size_t{4} << 30;
};

struct ArgoBucket {
  std::shared_ptr<ObjectStore> store;
  std::vector<KeyFormat> key_formats;
  std::string default_namespace;  ///< Of keys that name none; empty: not known.
};

struct ArgoLogsParts {
  Catalog& catalog;
  RecordBook& book;
  BlockCache& cache;
};

/// Thread-safe. The parts outlive it.
class ArgoLogs {
 public:
  /// Contacts nobody; kInvalidInput when a setting cannot be used. `environment`: what parse_s3_url reads of it.
  /// `spool_folder`: for unpacked logs.
  [[nodiscard]] static Result<std::unique_ptr<ArgoLogs>> open(const ArgoSettings& settings,
                                                              const std::map<std::string, std::string>& environment,
                                                              const std::string& spool_folder, ArgoLogsParts parts);
  virtual ~ArgoLogs() = default;
  [[nodiscard]] virtual argo::FinderAnswer find(const argo::PodRequest& request) = 0;
  /// False where the settings name neither a bucket nor ConfigMaps: then nothing is ever asked.
  [[nodiscard]] virtual bool configured() const = 0;
  /// The bucket of the settings, and the keys in it, for taking all logs. kInvalidInput tells which setting is missing.
  [[nodiscard]] virtual Result<ArgoBucket> bucket() = 0;
  [[nodiscard]] virtual argo::LogObjects& objects() = 0;
};

/// kInvalidInput where `url` is no bucket for argo_store.
[[nodiscard]] Result<> check_argo_store(const std::string& url);

}  // namespace logstone
