#include "base/error.h"

#include <gtest/gtest.h>

#include "base/result.h"

namespace logstone {
namespace {

TEST(ErrorTest, MessageIsOneSentenceWithAdvice) {
  const Error error{ErrorKind::kNotFound, "read object", "v1/a/b", "no such object", "Look at the key."};
  EXPECT_EQ(error.message(), "read object v1/a/b: no such object. Look at the key.");
  EXPECT_EQ((Error{ErrorKind::kNotFound, "read object", "v1/a/b", "no such object", ""}).message(),
            "read object v1/a/b: no such object");
  EXPECT_EQ((Error{ErrorKind::kInternal, "", "", "broken.", "Tell us."}).message(), "broken. Tell us.");
}

TEST(ErrorTest, OnlyWhatMayPassByItselfIsRetryable) {
  for (int i = 0; i <= static_cast<int>(ErrorKind::kInternal); ++i) {
    Error error;
    error.kind = static_cast<ErrorKind>(i);
    EXPECT_EQ(error.retryable(), error.kind == ErrorKind::kUnavailable || error.kind == ErrorKind::kOutOfSpace);
    EXPECT_STRNE(to_string(error.kind), "");
  }
}

Result<int> half(int of) {
  if (of % 2 != 0) return Error{ErrorKind::kInvalidInput, "halve", std::to_string(of), "it is odd", ""};
  return of / 2;
}
Result<int> quarter(int of) {
  LOGSTONE_ASSIGN(const int once, half(of));
  return half(once);
}
Result<> check_even(int of) {
  LOGSTONE_TRY(half(of));
  return {};
}

TEST(ResultTest, ErrorsTravelUp) {
  EXPECT_EQ(quarter(8).value(), 2);
  ASSERT_FALSE(quarter(6));
  EXPECT_EQ(quarter(6).error().subject, "3");
  EXPECT_TRUE(check_even(2));
  EXPECT_EQ(check_even(1).error().kind, ErrorKind::kInvalidInput);
}

}  // namespace
}  // namespace logstone
