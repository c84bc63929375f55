#include "model/argo_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace logstone {
namespace {

using testing::Contains;
using testing::ElementsAre;

TEST(ArgoNamesTest, CandidatesOfBothFormats) {
  EXPECT_THAT(argo_workflow_candidates("wf-3986212215"), ElementsAre("wf", "wf-3986212215"));
  EXPECT_THAT(argo_workflow_candidates("my-wf-work-3986212215"),
              ElementsAre("my-wf", "my-wf-work", "my", "my-wf-work-3986212215"));
  EXPECT_THAT(argo_workflow_candidates("wf"), ElementsAre("wf"));
  EXPECT_TRUE(argo_workflow_candidates("").empty());
}

TEST(ArgoNamesTest, CandidatesOfKfpPods) {
  for (const char* part : {"system-container-impl", "system-container-driver", "system-dag-driver"}) {
    const std::string wf = "my-pipeline-x7k2p";
    EXPECT_EQ(argo_workflow_candidates(argo_pod_name(wf, wf + ".root.step", part)).front(), wf) << part;
  }
  // The workflow's own name may hold that text.
  const std::string wf = "a-system-container-impl-b-q1";
  EXPECT_EQ(argo_workflow_candidates(argo_pod_name(wf, wf + ".x", "system-container-impl")).front(), wf);
  EXPECT_THAT(argo_workflow_candidates(argo_pod_name(wf, wf + ".x", "train")), Contains(wf));
}

TEST(ArgoNamesTest, EveryPodNameHasItsWorkflowAmongTheCandidates) {
  for (const std::string& wf : {std::string("wf"), std::string("a-b.c-d"), std::string("x-system-dag-driver-y"),
                                std::string(200, 'w') + "-q", std::string(241, 'w')}) {
    for (const char* tmpl : {"", "t", "a-b-c", "system-dag-driver", "system-container-impl"}) {
      for (const std::string& node : {wf, wf + ".a", wf + "[0].b(1:x)"}) {
        for (const std::string& pod : {argo_pod_name(wf, node, tmpl), argo_node_id(wf, node)}) {
          EXPECT_THAT(argo_workflow_candidates(pod), Contains(wf)) << pod;
          EXPECT_TRUE(may_be_pod_of(pod, wf)) << pod;
        }
      }
    }
  }
  const std::string longest(250, 'w');
  EXPECT_TRUE(may_be_pod_of(argo_pod_name(longest, longest + ".a", "t"), longest));
  EXPECT_TRUE(may_be_pod_of(argo_node_id(longest, longest + ".a"), longest));
  EXPECT_FALSE(may_be_pod_of("wf2-1", "wf"));
  EXPECT_FALSE(may_be_pod_of("w", "wf"));
  EXPECT_FALSE(may_be_pod_of("-1", ""));
}

}  // namespace
}  // namespace logstone
