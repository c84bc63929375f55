// What is S3's own, against real servers: credentials, addressing, TLS, parts, pages.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "store/s3/s3_client.h"
#include "store/s3/s3_store.h"
#include "tests/store_s3/shared_servers.h"

namespace logstone::testing {
namespace {

using Kind = S3Server::Kind;

class S3Servers : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override { ASSERT_EQ(server(GetParam()).problem(), ""); }
  S3Settings settings() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    std::string prefix = test->name();
    return server(GetParam()).settings(prefix.substr(0, prefix.find('/')));
  }
  std::unique_ptr<ObjectStore> open(S3Settings with) {
    auto store = open_s3_store(std::move(with));
    EXPECT_TRUE(store) << store.error().message();
    return store ? *std::move(store) : nullptr;
  }
};

std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  std::mt19937 random(7);
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

TEST_P(S3Servers, WrongKeysAreRefusedAndNotShown) {
  for (const auto& [access, secret] : {std::pair{kAccessKey, "wrong-secret"}, std::pair{"nobody", kSecretKey}}) {
    S3Settings with = settings();
    with.credentials.access_key = access;
    with.credentials.secret_key = secret;
    const auto store = open_s3_store(with);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().kind, ErrorKind::kForbidden) << store.error().message();
    EXPECT_EQ(store.error().message().find(secret), std::string::npos);
    EXPECT_NE(store.error().advice, "");
  }
}

TEST_P(S3Servers, AMissingBucketIsToldAtOnce) {
  S3Settings with = settings();
  with.bucket = "not-there";
  const auto store = open_s3_store(with);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, ErrorKind::kInvalidInput) << store.error().message();
}

TEST_P(S3Servers, PrefixesKeepStoresApart) {
  S3Settings with = settings();
  with.prefix += "/one";
  const auto one = open(with);
  with.prefix += "-more";
  const auto other = open(with);
  ASSERT_TRUE(one && other);
  ASSERT_TRUE(one->put("k", "1"));
  ASSERT_TRUE(other->put("k", "2"));
  EXPECT_EQ(one->get("k").value(), "1");
  EXPECT_EQ(list_all(*one, "").value().size(), 1u);
  EXPECT_EQ(list_all(*other, "").value().size(), 1u);
  EXPECT_EQ(list_all(*one, "").value()[0].key, "k");
}

TEST_P(S3Servers, LargeObjectsGoUpInPartsAndComeBackInRanges) {
  S3Settings with = settings();
  with.part_bytes = 5 << 20;
  const auto store = open(with);
  ASSERT_TRUE(store);
  const std::string bytes = noise((11 << 20) + 3);
  const auto put = store->put("large", bytes);
  ASSERT_TRUE(put) << put.error().message();
  EXPECT_EQ(store->head("large")->size, bytes.size());
  EXPECT_TRUE(store->get("large").value() == bytes);
  std::vector<std::thread> readers;
  for (unsigned i = 0; i < 8; ++i) {
    readers.emplace_back([&, i] {
      for (std::uint64_t at = i * 1000; at < bytes.size(); at += 1'700'000) {
        const auto part = store->get_range("large", at, 70'000);
        ASSERT_TRUE(part) << part.error().message();
        EXPECT_TRUE(*part == bytes.substr(at, 70'000)) << at;
      }
    });
  }
  for (auto& reader : readers) reader.join();
  ASSERT_TRUE(store->put("large", "small now"));
  EXPECT_EQ(store->get("large").value(), "small now");
}

TEST_P(S3Servers, AFailedUploadLeavesNothingBehind) {
  S3Settings with = settings();
  with.metrics = std::make_shared<S3Metrics>();
  s3::Client client(with);
  const s3::Keys keys{kAccessKey, kSecretKey, "", {}};
  with.part_bytes = 1 << 20;  // Too small for S3: refused where the upload is finished, if the server minds.
  const auto store = open(with);
  ASSERT_TRUE(store);
  const std::string bytes = noise(3 << 20);
  const auto put = store->put("parts", bytes);
  EXPECT_EQ(put.has_value(), store->head("parts").has_value());
  const auto uploads = client.send({.method = "GET", .path = "", .query = {{"uploads", ""}}}, keys);
  ASSERT_TRUE(uploads);
  EXPECT_EQ(uploads->body.find("<UploadId>"), std::string::npos) << uploads->body;
}

TEST_P(S3Servers, ListsBeyondAPageOfTheServer) {
  const auto store = open(settings());
  ASSERT_TRUE(store);
  std::vector<std::string> all;
  for (int i = 0; i < 1130; ++i) {
    char name[32];
    std::snprintf(name, sizeof name, "%s/%04d", i % 2 != 0 ? "a" : "a-b", i);
    all.emplace_back(name);
  }
  std::vector<std::thread> writers;
  for (std::size_t t = 0; t < 4; ++t) {
    writers.emplace_back([&, t] {
      for (std::size_t i = t; i < all.size(); i += 4) ASSERT_TRUE(store->put(all[i], "x"));
    });
  }
  for (auto& writer : writers) writer.join();
  std::sort(all.begin(), all.end());
  std::vector<std::string> got;
  const auto listed = list_all(*store, "");
  ASSERT_TRUE(listed) << listed.error().message();
  for (const ObjectInfo& object : *listed) got.push_back(object.key);
  EXPECT_EQ(got, all);
  ASSERT_TRUE(store->remove_many(all));
  EXPECT_TRUE(list_all(*store, "").value().empty());
}

TEST_P(S3Servers, KeysFromASecretAndAFileAreReadAgainWhenTheyAreRefused) {
  namespace fs = std::filesystem;
  std::string name = (fs::temp_directory_path() / "logstone-keys-XXXXXX").string();
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  const fs::path folder = name;
  S3Settings with = settings();
  with.credentials = {};
  with.credentials.secret_folder = folder;
  std::ofstream(folder / "accesskey") << kAccessKey << '\n';
  std::ofstream(folder / "secretkey") << kSecretKey << '\n';
  const auto store = open(with);
  ASSERT_TRUE(store);
  ASSERT_TRUE(store->put("k", "1"));
  S3Settings by_file = with;
  by_file.credentials = {};
  by_file.credentials.credentials_file = folder / "credentials";
  by_file.credentials.profile = "logs";
  std::ofstream(folder / "credentials") << "[default]\naws_access_key_id = x\naws_secret_access_key = y\n[logs]\n"
                                        << "aws_access_key_id=" << kAccessKey << "\naws_secret_access_key = wrong\n";
  EXPECT_EQ(open_s3_store(by_file).error().kind, ErrorKind::kForbidden);
  by_file.may_be_away = true;
  std::ofstream(folder / "credentials") << "[logs]\naws_access_key_id=" << kAccessKey
                                        << "\naws_secret_access_key=" << kSecretKey << "\n";
  const auto second = open(by_file);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->get("k").value(), "1");
  fs::remove_all(folder);
}

INSTANTIATE_TEST_SUITE_P(S3, S3Servers, ::testing::Values(Kind::kSeaweedFs, Kind::kMoto), [](const auto& instance) {
  return std::string(instance.param == Kind::kSeaweedFs ? "seaweedfs" : "moto");
});

TEST(S3Addressing, VirtualHostsWork) {
  const S3Server& at = server(Kind::kSeaweedFs);
  ASSERT_EQ(at.problem(), "");
  S3Settings with = at.settings("hosts");
  // Every name under "localhost" is this machine.
  with.endpoint = "http://localhost:" + std::to_string(at.port());
  with.addressing = S3Settings::Addressing::kVirtualHost;
  const auto store = open_s3_store(with);
  ASSERT_TRUE(store) << store.error().message();
  ASSERT_TRUE((*store)->put("a b/+", "1"));
  EXPECT_EQ((*store)->get("a b/+").value(), "1");
  with = at.settings("hosts");
  EXPECT_EQ((*open_s3_store(with))->get("a b/+").value(), "1");
}

TEST(S3Tls, OnlyWithTheAuthoritysCertificate) {
  S3Server tls(Kind::kMotoTls);
  ASSERT_EQ(tls.problem(), "");
  S3Settings with = tls.settings("tls");
  const auto store = open_s3_store(with);
  ASSERT_TRUE(store) << store.error().message();
  ASSERT_TRUE((*store)->put("k", "1"));
  EXPECT_EQ((*store)->get("k").value(), "1");
  with.ca_file.clear();
  const auto unknown = open_s3_store(with);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, ErrorKind::kForbidden) << unknown.error().message();
  EXPECT_NE(unknown.error().message().find("ca="), std::string::npos);
  with = tls.settings("tls");
  with.endpoint = "https://localhost:" + std::to_string(tls.port());  // Another name than the certificate's.
  EXPECT_EQ(open_s3_store(with).error().kind, ErrorKind::kForbidden);
}

TEST(S3WebIdentity, ARolesTemporaryKeysAreAskedOfSts) {
  namespace fs = std::filesystem;
  const S3Server& at = server(Kind::kMoto);
  ASSERT_EQ(at.problem(), "");
  S3Settings with = at.settings("role");
  with.credentials = {};
  std::string name = (fs::temp_directory_path() / "logstone-token-XXXXXX").string();
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  with.credentials.web_identity_token_file = fs::path(name) / "token";
  with.credentials.role_arn = "arn:aws:iam::123456789012:role/logs";
  with.credentials.sts_endpoint = with.endpoint;
  EXPECT_EQ(open_s3_store(with).error().kind, ErrorKind::kNotFound);
  std::ofstream(with.credentials.web_identity_token_file) << "a.token\n";
  const auto store = open_s3_store(with);
  ASSERT_TRUE(store) << store.error().message();
  ASSERT_TRUE((*store)->put("k", "1"));
  EXPECT_EQ((*store)->get("k").value(), "1");
  with.credentials.role_arn = "no role";
  with.deadline = std::chrono::milliseconds(100);
  const auto refused = open_s3_store(with);
  ASSERT_FALSE(refused);
  fs::remove_all(name);
}

}  // namespace
}  // namespace logstone::testing
