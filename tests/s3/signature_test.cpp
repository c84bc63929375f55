// The examples of "Signature Calculations for the Authorization Header" in the S3 API reference of AWS.
#include <gtest/gtest.h>

#include "store/s3/s3_signature.h"

namespace logstone::s3 {
namespace {

constexpr const char* kTime = "20130524T000000Z";
const std::string kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string signature_of(SignedRequest request) {
  request.headers["host"] = "examplebucket.s3.amazonaws.com";
  request.headers["x-amz-date"] = kTime;
  if (request.body_sha256.empty()) request.body_sha256 = kEmpty;
  request.headers["x-amz-content-sha256"] = request.body_sha256;
  const std::string all =
      authorization(request, {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1"});
  EXPECT_NE(all.find("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"),
            std::string::npos);
  return all.substr(all.find("Signature=") + 10);
}

TEST(S3Signature, OfEmptyBody) { EXPECT_EQ(sha256_hex(""), kEmpty); }

TEST(S3Signature, OfARange) {
  EXPECT_EQ(signature_of({"GET", "/test.txt", "", {{"range", "bytes=0-9"}}, ""}),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(S3Signature, OfAPut) {
  EXPECT_EQ(signature_of({"PUT",
                          "/test%24file.text",
                          "",
                          {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                          sha256_hex("Welcome to Amazon S3.")}),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(S3Signature, OfAQueryWithoutAValue) {
  EXPECT_EQ(signature_of({"GET", "/", "lifecycle=", {}, ""}),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

TEST(S3Signature, OfAList) {
  EXPECT_EQ(signature_of({"GET", "/", "max-keys=2&prefix=J", {}, ""}),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(S3Signature, BlanksOfAHeaderDoNotMatter) {
  EXPECT_EQ(signature_of({"GET", "/test.txt", "", {{"range", "  bytes=0-9 "}}, ""}),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(S3Signature, TimesAreUtc) { EXPECT_EQ(signing_time(parse_rfc3339("2013-05-24T02:00:00.9+02:00").value()), kTime); }

}  // namespace
}  // namespace logstone::s3
