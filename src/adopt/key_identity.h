// Whose log an object of Argo's bucket is, by its key.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/key_format.h"

namespace logstone::adopt {

/// What a key tells. Empty members: it does not.
struct KeyIdentity {
  std::string name_space;
  std::string workflow;
  std::string workflow_uid;
  std::string pod;
  std::string container;
  std::string created_text;          ///< The creation time's tags as they stand in the key: tells namesakes apart.
  std::optional<Timestamp> created;  ///< As exactly as they tell; the day's begin where they tell the day only.
  bool operator==(const KeyIdentity&) const = default;
};

/// Which container's log a file is, by its name (`main.log`, `main.log.gz`, `main-logs.tgz`); none: it is no log.
[[nodiscard]] std::optional<std::string> container_of_log(std::string_view file);

/// Every identity with which the first format that fits gives `key`; more than one where it cannot be told.
[[nodiscard]] std::vector<KeyIdentity> identities_of(std::string_view key, const std::vector<KeyFormat>& formats,
                                                     const TagValues& known);
/// The prefixes under which all keys of the formats are; none of them begins with another.
[[nodiscard]] std::vector<std::string> listing_prefixes(const std::vector<KeyFormat>& formats, const TagValues& known);

}  // namespace logstone::adopt
