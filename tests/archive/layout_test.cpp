#include "archive/layout.h"

#include <gtest/gtest.h>

#include "base/time.h"
#include "store/object_store.h"
#include "tests/archive/log_model.h"

namespace logstone {
namespace {

Timestamp day() { return *parse_rfc3339("2026-11-25T23:59:59.5Z"); }

TEST(Layout, KeysAreReadable) {
  const WorkflowIdentity id{"local", "team-a", "train-x7k2p", "b1f0"};
  EXPECT_EQ(workflow_prefix(id, day()), "v1/workflows/local/team-a/2026-11-25/train-x7k2p.b1f0/");
  EXPECT_EQ(record_key(id, day()), "v1/workflows/local/team-a/2026-11-25/train-x7k2p.b1f0/record.json");
  EXPECT_EQ(segments_prefix("p/", test::some_stream()), "p/segments/" + test::some_stream().key() + "/");
  EXPECT_EQ(segment_key("p/", 5, 4194309), "p/0000000000000005-0000000004194309.log.zst");
}

TEST(Layout, NamesCannotLeaveTheirPart) {
  EXPECT_EQ(workflow_prefix({"a/b", "..", ".", "u\n"}, day()), "v1/workflows/a%2Fb/%2E./2026-11-25/%2E.u%0A/");
  EXPECT_EQ(workflow_prefix({"", "%", "n", "u"}, day()), "v1/workflows/%/%25/2026-11-25/n.u/");
}

TEST(Layout, SegmentKeysAreReadBack) {
  const auto span = parse_segment_key(segment_key("p/q/", 123, 1234567890123));
  ASSERT_TRUE(span);
  EXPECT_EQ(span->first_byte, 123U);
  EXPECT_EQ(span->end_byte, 1234567890123U);
  EXPECT_TRUE(parse_segment_key("0000000000000000-0000000000000000.log.zst"));
  for (const char* wrong :
       {"", "p/", "p/record.json", "p/0000000000000005-0000000000000004.log.zst", "p/5-6.log.zst",
        "p/00000000000000a5-0000000000000004.log.zst", "p/0000000000000005-0000000000000006.log.zst.tmp",
        "p/0000000000000005_0000000000000006.log.zst", "p/0000000000000005-0000000000000006.log.zst/x"}) {
    EXPECT_FALSE(parse_segment_key(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace logstone
