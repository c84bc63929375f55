#include <gtest/gtest.h>

#include "tests/store/contract.h"
#include "tests/store_s3/servers.h"

namespace logstone::testing {
namespace {

/// Started once for the program; ends with it.
S3Server& server(S3Server::Kind kind) {
  static S3Server seaweedfs(S3Server::Kind::kSeaweedFs);
  static S3Server moto(S3Server::Kind::kMoto);
  return kind == S3Server::Kind::kSeaweedFs ? seaweedfs : moto;
}

StoreFactory factory(std::string name, S3Server::Kind kind, S3Settings::Listing listing) {
  return {std::move(name), [kind, listing]() -> std::shared_ptr<ObjectStore> {
            static std::atomic<int> stores{0};
            const S3Server& at = server(kind);
            EXPECT_EQ(at.problem(), "");
            if (!at.problem().empty()) return nullptr;
            S3Settings settings = at.settings("store-" + std::to_string(++stores));
            settings.listing = listing;
            auto store = open_s3_store(settings);
            EXPECT_TRUE(store) << store.error().message();
            return store ? std::shared_ptr<ObjectStore>(*std::move(store)) : nullptr;
          }};
}

using Kind = S3Server::Kind;
using Listing = S3Settings::Listing;
INSTANTIATE_TEST_SUITE_P(S3, StoreContract,
                         ::testing::Values(factory("seaweedfs", Kind::kSeaweedFs, Listing::kFolders),
                                           factory("moto_flat", Kind::kMoto, Listing::kFlat)),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace logstone::testing
