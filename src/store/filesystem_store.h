// An ObjectStore in a folder.
#pragma once

#include <filesystem>
#include <memory>

#include "store/object_store.h"

namespace logstone {

/// Objects are files at `root/objects/<key>` (parts that a filesystem refuses are escaped, see filesystem_store.cpp);
/// unfinished ones are in `root/incoming` and removed at the next open. Makes the folders.
[[nodiscard]] Result<std::unique_ptr<ObjectStore>> open_filesystem_store(const std::filesystem::path& root);

}  // namespace logstone
