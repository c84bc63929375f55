#include <gtest/gtest.h>

#include "store/s3/s3_answers.h"

namespace logstone::s3 {
namespace {

TEST(S3Answers, AListIsRead) {
  const auto page = read_list_page(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
      "<IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;k</NextContinuationToken>"
      "<Contents><Key>a&lt;b "
      "&#x2764;</Key><Size>12</Size><LastModified>2026-01-02T03:04:05.678Z</LastModified></Contents>"
      "<CommonPrefixes><Prefix>x/</Prefix></CommonPrefixes></ListBucketResult>");
  ASSERT_TRUE(page) << page.error().message();
  ASSERT_EQ(page->objects.size(), 1u);
  EXPECT_EQ(page->objects[0].key, "a<b \xe2\x9d\xa4");
  EXPECT_EQ(page->objects[0].size, 12u);
  EXPECT_EQ(page->objects[0].modified, parse_rfc3339("2026-01-02T03:04:05Z").value());
  EXPECT_EQ(page->folders, std::vector<std::string>{"x/"});
  EXPECT_TRUE(page->truncated);
  EXPECT_EQ(page->continuation_token, "t&k");
}

TEST(S3Answers, AnEncodedListIsDecoded) {
  const auto page = read_list_page(
      "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a+b%2Bc%</Key><Size>0</Size>"
      "<LastModified>2026-01-02T03:04:05Z</LastModified></Contents></ListBucketResult>");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->objects[0].key, "a b+c%");
}

TEST(S3Answers, WhatIsNoListIsNotTakenForAnEmptyOne) {
  for (const char* text :
       {"", "<html>hello</html>", "<ListBucketResult>", "<ListBucketResult><Contents><Key>a</Key></Contents>",
        "<ListBucketResult><Contents><Key>a</Key><Size>x</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key></Key><Size>1</Size><LastModified>2026-01-02T03:04:05Z</LastModified></"
        "Contents>"
        "</ListBucketResult>"}) {
    const auto page = read_list_page(text);
    ASSERT_FALSE(page) << text;
    EXPECT_EQ(page.error().kind, ErrorKind::kCorrupt);
  }
}

TEST(S3Answers, ErrorsSayWhatToDo) {
  const S3Settings settings;
  const auto kind = [&](int status, const std::string& code) {
    return error_of({status, {}, "<Error><Code>" + code + "</Code><Message>words</Message></Error>"}, settings).kind;
  };
  EXPECT_EQ(kind(404, "NoSuchKey"), ErrorKind::kNotFound);
  EXPECT_EQ(kind(404, "NoSuchBucket"), ErrorKind::kInvalidInput);
  EXPECT_EQ(kind(403, "SignatureDoesNotMatch"), ErrorKind::kForbidden);
  EXPECT_EQ(kind(503, "SlowDown"), ErrorKind::kUnavailable);
  EXPECT_EQ(kind(429, "Unheard"), ErrorKind::kUnavailable);
  EXPECT_EQ(kind(500, ""), ErrorKind::kUnavailable);
  EXPECT_EQ(kind(400, "BadDigest"), ErrorKind::kCorrupt);
  EXPECT_EQ(kind(412, "PreconditionFailed"), ErrorKind::kConflict);
  EXPECT_EQ(kind(507, ""), ErrorKind::kOutOfSpace);
  EXPECT_EQ(kind(400, "Unheard"), ErrorKind::kInvalidInput);
  EXPECT_EQ(error_of({404, {}, "no XML"}, settings).kind, ErrorKind::kNotFound);
  const Error elsewhere = error_of({301, {{"x-amz-bucket-region", "eu-west-1"}}, ""}, settings);
  EXPECT_NE(elsewhere.advice.find("region=eu-west-1"), std::string::npos);
  // Outside text stays one line of bounded length.
  const Error long_words = error_of(
      {400, {}, "<Error><Code>X</Code><Message>" + std::string(10'000, 'a') + "\n</Message></Error>"}, settings);
  EXPECT_LT(long_words.reason.size(), 1000u);
  EXPECT_EQ(long_words.reason.find('\n'), std::string::npos);
}

TEST(S3Answers, RemovalsTellWhatStayed) {
  EXPECT_EQ(removal_list({"a&b", "c"}),
            "<Delete><Quiet>true</Quiet><Object><Key>a&amp;b</Key></Object><Object><Key>c</Key></Object></Delete>");
  EXPECT_TRUE(read_removal_answer({200, {}, "<DeleteResult/>"}));
  EXPECT_TRUE(
      read_removal_answer({200, {}, "<DeleteResult><Error><Key>a</Key><Code>NoSuchKey</Code></Error></DeleteResult>"}));
  const auto refused = read_removal_answer(
      {200, {}, "<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code></Error></DeleteResult>"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kForbidden);
  EXPECT_EQ(read_removal_answer({200, {}, ""}).error().kind, ErrorKind::kCorrupt);
}

TEST(S3Answers, ETagsAreComparedWhereTheyAreSums) {
  const std::string md5 = md5_hex("abc");
  EXPECT_EQ(md5, "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(md5_base64("abc"), "kAFQmDzST7DWlj99KOF/cg==");
  EXPECT_TRUE(etag_fits({200, {{"etag", "\"900150983CD24FB0D6963F7D28E17F72\""}}, ""}, md5));
  EXPECT_FALSE(etag_fits({200, {{"etag", "\"900150983cd24fb0d6963f7d28e17f73\""}}, ""}, md5));
  EXPECT_TRUE(etag_fits({200, {{"etag", "\"900150983cd24fb0d6963f7d28e17f73-2\""}}, ""}, md5));
  EXPECT_TRUE(etag_fits({200, {}, ""}, md5));
  EXPECT_TRUE(etag_fits(
      {200, {{"etag", "\"900150983cd24fb0d6963f7d28e17f73\""}, {"x-amz-server-side-encryption", "aws:kms"}}, ""}, md5));
}

TEST(S3Answers, AFinishedUploadMayBeAnError) {
  EXPECT_EQ(error_code("<Error><Code>InternalError</Code></Error>"), "InternalError");
  EXPECT_EQ(error_code("<CompleteMultipartUploadResult/>"), std::nullopt);
  EXPECT_EQ(error_code(""), std::nullopt);
}

}  // namespace
}  // namespace logstone::s3
