// Where archive objects live: a folder, or a bucket of S3. The truth of the product.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace logstone {

struct ObjectInfo {
  std::string key;
  std::uint64_t size = 0;  ///< Bytes.
  Timestamp modified{};
};

struct ObjectPage {
  std::vector<ObjectInfo> objects;  ///< In the order of their keys' bytes.
  bool more = false;                ///< Go on with `start_after` = the last key.
};

/// A flat map of keys to immutable bytes. Keys: 1 to 1,024 bytes of UTF-8, parts divided by '/', no empty part, no "."
/// or "..", no control characters; anything else is kInvalidInput. All calls are thread-safe, block, and may be
/// repeated. tests/store/contract.h holds what every implementation must pass.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  /// Durable and visible, whole, once it returned; readers never see a part. Replaces.
  [[nodiscard]] virtual Result<> put(const std::string& key, std::string_view bytes) = 0;
  /// As put, but kConflict when the key exists already.
  [[nodiscard]] virtual Result<> put_if_absent(const std::string& key, std::string_view bytes) = 0;
  /// kNotFound when there is no such object.
  [[nodiscard]] virtual Result<std::string> get(const std::string& key) = 0;
  /// Bytes [offset, offset+length); fewer only where the object ends. kNotFound as get.
  [[nodiscard]] virtual Result<std::string> get_range(const std::string& key, std::uint64_t offset,
                                                      std::uint64_t length) = 0;
  [[nodiscard]] virtual Result<ObjectInfo> head(const std::string& key) = 0;
  /// Keys that begin with `prefix` (any text) and sort after `start_after`; at most `limit` (1 to 1,000).
  [[nodiscard]] virtual Result<ObjectPage> list(const std::string& prefix, const std::string& start_after = {},
                                                std::size_t limit = 1000) = 0;
  /// No error when it does not exist.
  [[nodiscard]] virtual Result<> remove(const std::string& key) = 0;
  /// As remove for each key, in fewer requests where the store has that; may have removed some when it fails.
  [[nodiscard]] virtual Result<> remove_many(const std::vector<std::string>& keys);
  /// For messages: "file:///data/objects", "s3://bucket/prefix".
  [[nodiscard]] virtual std::string description() const = 0;
};

/// All keys under a prefix, page by page.
[[nodiscard]] Result<std::vector<ObjectInfo>> list_all(ObjectStore& store, const std::string& prefix);
/// kInvalidInput when `key` breaks the rules above.
[[nodiscard]] Result<> check_key(std::string_view key);

}  // namespace logstone
