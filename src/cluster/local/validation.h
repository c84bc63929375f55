// What can be known to be wrong before anything starts. Inner to the manifest reader.
#pragma once

#include <string_view>

#include "cluster/local/manifest.h"
#include "cluster/local/manifest_fields.h"

namespace logstone::local {

/// Everything across fields: names, calls and their arguments, references, cycles, durations, conditions.
void validate_workflow(const ParsedWorkflow& workflow, Problems& problems);

/// Letters, digits and `-`, from a letter or digit on; up to 128.
[[nodiscard]] bool is_step_name(std::string_view name);
/// RFC 1123: lower-case letters, digits, `-`, and `.` where `subdomain`; up to 63 or 253.
[[nodiscard]] bool is_kubernetes_name(std::string_view name, bool subdomain);

}  // namespace logstone::local
