// The servers that all tests of the program share.
#pragma once

#include "tests/store_s3/servers.h"

namespace logstone::testing {

/// Started once for the program; ends with it.
inline S3Server& server(S3Server::Kind kind) {
  if (kind == S3Server::Kind::kSeaweedFs) {
    static S3Server seaweedfs(kind);
    return seaweedfs;
  }
  static S3Server moto(kind);
  return moto;
}

}  // namespace logstone::testing
