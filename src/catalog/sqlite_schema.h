// The catalogue's tables, as a list of migrations.
#pragma once

#include "base/result.h"
#include "catalog/sqlite_connection.h"

namespace logstone {

/// Brings an older schema to today's, in one transaction. kUnsupported where a later program made it.
[[nodiscard]] Result<> migrate_schema(SqliteConnection& connection, const std::string& path);

}  // namespace logstone
