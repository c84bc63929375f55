// Work queues and waiter lists: what is asked for is done, once, and not after its end.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "agent/waiter_list.h"
#include "agent/work_queue.h"
#include "tests/agent/agent_fixture.h"

namespace logstone::testing {
namespace {

TEST(WorkQueue, RunsWhatIsAskedForAndAgainWhenAskedDuringTheRun) {
  WorkQueue queue(2);
  std::atomic<int> runs{0};
  std::shared_ptr<WorkQueue::Item> item;
  item = queue.make_item([&] {
    if (++runs < 5) item->soon();
  });
  item->soon();
  EXPECT_TRUE(eventually([&] { return runs == 5; }));
  queue.stop();
  EXPECT_EQ(runs, 5);
}

TEST(WorkQueue, NeverRunsOneItemTwiceAtOnce) {
  WorkQueue queue(4);
  std::atomic<int> inside{0};
  std::atomic<int> runs{0};
  std::atomic<bool> overlapped{false};
  const auto item = queue.make_item([&] {
    if (++inside > 1) overlapped = true;
    std::this_thread::yield();
    ++runs;
    --inside;
  });
  std::vector<std::thread> askers;
  for (int t = 0; t < 4; ++t) {
    askers.emplace_back([&] {
      for (int i = 0; i < 500; ++i) item->soon();
    });
  }
  for (std::thread& asker : askers) asker.join();
  const int before = runs;
  item->soon();
  EXPECT_TRUE(eventually([&] { return runs > before || runs > 0; }));
  queue.stop();
  EXPECT_FALSE(overlapped);
}

TEST(WorkQueue, TheEarliestRequestCounts) {
  WorkQueue queue(1);
  std::atomic<int> runs{0};
  const auto item = queue.make_item([&] { ++runs; });
  item->after(std::chrono::hours(1));
  item->soon();
  item->after(std::chrono::hours(2));
  EXPECT_TRUE(eventually([&] { return runs == 1; }));
}

TEST(WorkQueue, DelayedWorkRunsWhileAnotherThreadIsBusy) {
  WorkQueue queue(2);
  std::mutex mutex;
  std::condition_variable changed;
  bool delayed_ran = false;
  const auto delayed = queue.make_item([&] {
    const std::lock_guard lock(mutex);
    delayed_ran = true;
    changed.notify_all();
  });
  std::atomic<bool> in_time{false};
  const auto busy = queue.make_item([&] {
    std::unique_lock lock(mutex);
    in_time = changed.wait_for(lock, std::chrono::seconds(60), [&] { return delayed_ran; });
  });
  delayed->after(std::chrono::milliseconds(20));
  busy->soon();
  EXPECT_TRUE(eventually([&] { return in_time.load(); }));
  queue.stop();
}

TEST(WorkQueue, NothingRunsAfterTheStopAndItemsOutliveTheQueue) {
  std::atomic<int> runs{0};
  std::shared_ptr<WorkQueue::Item> item;
  {
    WorkQueue queue(1);
    item = queue.make_item([&] { ++runs; });
    queue.stop();
    item->soon();
  }
  item->soon();
  EXPECT_EQ(runs, 0);
}

TEST(Backoff, DoublesUpToItsBound) {
  Backoff backoff(std::chrono::milliseconds(2), std::chrono::milliseconds(7));
  EXPECT_EQ(backoff.next(), std::chrono::milliseconds(2));
  EXPECT_EQ(backoff.next(), std::chrono::milliseconds(4));
  EXPECT_EQ(backoff.next(), std::chrono::milliseconds(7));
  EXPECT_EQ(backoff.next(), std::chrono::milliseconds(7));
  backoff.reset();
  EXPECT_EQ(backoff.next(), std::chrono::milliseconds(2));
}

TEST(WaiterList, FiresThoseBelowOnceAndNotTheCancelled) {
  WaiterList list;
  std::vector<int> fired;
  const auto one = list.add(1, [&] { fired.push_back(1); });
  const auto two = list.add(2, [&] { fired.push_back(2); });
  auto cancelled = list.add(1, [&] { fired.push_back(-1); });
  cancelled.reset();
  list.fire_above(1);
  EXPECT_TRUE(fired.empty());
  list.fire_above(2);
  EXPECT_EQ(fired, std::vector<int>{1});
  list.fire_above(10);
  EXPECT_EQ(fired, (std::vector<int>{1, 2}));
  EXPECT_TRUE(list.empty());
}

TEST(WaiterList, ACallMayDropItsOwnHandleAndWaitAgain) {
  WaiterList list;
  int calls = 0;
  std::shared_ptr<void> handle;
  handle = list.add(0, [&] {
    ++calls;
    handle.reset();
    handle = list.add(5, [&] { ++calls; });
  });
  list.fire_above(1);
  EXPECT_EQ(calls, 1);
  list.fire_above(6);
  EXPECT_EQ(calls, 2);
}

TEST(WaiterList, NothingIsCalledAfterACancelReturned) {
  WaiterList list;
  std::atomic<bool> over{false};
  std::thread firing([&] {
    while (!over) list.fire_above(100);
  });
  for (int i = 0; i < 2000; ++i) {
    auto alive = std::make_shared<std::atomic<bool>>(true);
    auto handle = list.add(1, [alive] { EXPECT_TRUE(*alive); });
    handle.reset();
    *alive = false;
  }
  over = true;
  firing.join();
}

TEST(WaiterList, HandlesMayOutliveTheList) {
  std::shared_ptr<void> handle;
  {
    WaiterList list;
    handle = list.add(1, [] {});
  }
  handle.reset();
}

}  // namespace
}  // namespace logstone::testing
