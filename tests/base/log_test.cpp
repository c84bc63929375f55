#include "base/log.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace logstone {
namespace {

class LogTest : public ::testing::Test {
 protected:
  void TearDown() override { set_log_level(LogLevel::kInfo); }
};

TEST_F(LogTest, OneLineWithFields) {
  ::testing::internal::CaptureStderr();
  log_info("started", {{"port", "8080"}, {"what", "a \"b\"\nc"}, {"none", ""}});
  log_debug("not wanted");
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.substr(24), " info started port=8080 what=\"a \\\"b\\\"\\nc\" none=\"\"\n") << text;
  EXPECT_EQ(text[10], 'T');
  EXPECT_EQ(text[23], 'Z');
}

TEST_F(LogTest, LevelIsObeyed) {
  ::testing::internal::CaptureStderr();
  set_log_level(LogLevel::kError);
  log_warning("no");
  log_error("yes \x1b[31m");
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.find(" no"), std::string::npos);
  EXPECT_NE(text.find("error yes \\x1b[31m\n"), std::string::npos) << text;
}

TEST_F(LogTest, ThreadsDoNotMixLines) {
  ::testing::internal::CaptureStderr();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int j = 0; j < 100; ++j) log_info("0123456789", {{"k", "v"}});
    });
  }
  for (auto& thread : threads) thread.join();
  const std::string text = ::testing::internal::GetCapturedStderr();
  std::size_t lines = 0;
  for (std::size_t at = 0; at < text.size(); ++lines) {
    const std::size_t end = text.find('\n', at);
    ASSERT_NE(end, std::string::npos);
    ASSERT_EQ(text.substr(at + 24, end - at - 24), " info 0123456789 k=v");
    at = end + 1;
  }
  EXPECT_EQ(lines, 400u);
}

}  // namespace
}  // namespace logstone
