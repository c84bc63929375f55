// A repository's or an artifact's location as Argo's objects write it. Inner to this folder: includes a heavy header.
#pragma once

#include <nlohmann/json.hpp>

#include "argo/artifact_repository.h"

namespace logstone::argo {

/// `json` has a member such as `s3`, as both repositories and artifacts have. What it does not tell stays as it is in
/// `base`; a bucket or an endpoint of its own drops the base's way to reach and unlock it.
[[nodiscard]] ArtifactRepository read_location(const nlohmann::json& json, ArtifactRepository base = {});
/// The object's key in a location; empty where it names none.
[[nodiscard]] std::string location_key(const nlohmann::json& json);

}  // namespace logstone::argo
