// Small YAML or JSON texts of others as JSON. Inner to this folder: includes a heavy header.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace logstone::argo {

/// Every YAML scalar becomes a string, null excepted; aliases are spelled out. kInvalidInput beyond 1 MiB of text,
/// 100,000 values or 100 levels, and where the text is no YAML.
[[nodiscard]] Result<nlohmann::json> read_yaml_tree(std::string_view text, const std::string& subject);

/// A member, or null where there is none or `object` is no object.
[[nodiscard]] const nlohmann::json& member(const nlohmann::json& object, std::string_view name);
/// A member's text; numbers and booleans in their written form; "" where it is anything else.
[[nodiscard]] std::string text_of(const nlohmann::json& object, std::string_view name);
[[nodiscard]] bool flag_of(const nlohmann::json& object, std::string_view name);

}  // namespace logstone::argo
