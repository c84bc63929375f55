// A container's environment as its process will see it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "doctor/deployment_facts.h"

namespace logstone::doctor {

/// `env` and `envFrom`, with what ConfigMaps among `resources` say. Values from Secrets are set and not known.
[[nodiscard]] std::map<std::string, Setting> container_environment(const Node& container, const std::string& name_space,
                                                                   const std::vector<Resource>& resources);
/// The Secrets' keys that the environment needs for the variables whose names begin so.
[[nodiscard]] std::vector<SecretUse> environment_secrets(const Node& container,
                                                         const std::vector<std::string>& name_prefixes);

}  // namespace logstone::doctor
