#include <gtest/gtest.h>

#include "tests/store/contract.h"
#include "tests/store_s3/shared_servers.h"

namespace logstone::testing {
namespace {

StoreFactory factory(std::string name, S3Server::Kind kind, S3Settings::Listing listing) {
  return {std::move(name),
          [kind, listing]() -> std::shared_ptr<ObjectStore> {
            const S3Server& at = server(kind);
            EXPECT_EQ(at.problem(), "");
            if (!at.problem().empty()) return nullptr;
            // Without a prefix, so that keys of 1,024 bytes fit; what another test left goes.
            S3Settings settings = at.settings("");
            settings.listing = listing;
            auto opened = open_s3_store(settings);
            EXPECT_TRUE(opened) << opened.error().message();
            if (!opened) return nullptr;
            const std::shared_ptr<ObjectStore> store = *std::move(opened);
            const auto left = list_all(*store, "");
            EXPECT_TRUE(left) << left.error().message();
            std::vector<std::string> keys;
            for (const ObjectInfo& object : left.value_or(std::vector<ObjectInfo>{})) keys.push_back(object.key);
            const auto removed = store->remove_many(keys);
            EXPECT_TRUE(removed) << removed.error().message();
            return removed ? store : nullptr;
          },
          listing == S3Settings::Listing::kFolders};
}

using Kind = S3Server::Kind;
using Listing = S3Settings::Listing;
INSTANTIATE_TEST_SUITE_P(S3, StoreContract,
                         ::testing::Values(factory("seaweedfs", Kind::kSeaweedFs, Listing::kFolders),
                                           factory("moto_flat", Kind::kMoto, Listing::kFlat)),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace logstone::testing
