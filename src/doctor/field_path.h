// Kustomize's field paths (`spec.template.spec.containers.[name=ui].env.0.value`) and its replacements.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "doctor/manifest_node.h"

namespace logstone::doctor {

/// Every value that the path names; `[key=value]` and `*` may name several.
[[nodiscard]] std::vector<Node*> select_fields(Node& root, std::string_view path);
/// The scalar at the path, or, with a delimiter, the part of it at `index`.
[[nodiscard]] std::optional<std::string> read_field(const Node& root, std::string_view path,
                                                    const std::string& delimiter, long index);
/// Writes `value` over the scalar, or, with a delimiter, over the part at `index` (beyond the end: appended; negative:
/// put before). The scalar's place stays where a part only is written, else becomes `from`.
void write_field(Node& scalar, const std::string& value, const std::string& delimiter, long index, const Place& from);

}  // namespace logstone::doctor
