#include "cluster/nodefiles/node_log.h"

#include "cluster/nodefiles/folder_watcher.h"
#include "cluster/nodefiles/node_log_reader.h"

namespace logstone {
namespace {

class InotifyNodeLogWatcher final : public NodeLogWatcher {
 public:
  explicit InotifyNodeLogWatcher(std::unique_ptr<FolderWatcher> folders) : folders_(std::move(folders)) {}

  Result<std::unique_ptr<LogReader>> open(const NodeLogPlace& place, const Cursor& from,
                                          std::function<bool()> terminated, std::function<void()> more) override {
    return NodeLogReader::open(*folders_, place, from, std::move(terminated), std::move(more));
  }

  void wake(const NodeLogPlace& place) override {
    folders_->wake(place.folder, std::to_string(place.restart) + ".log");
  }

 private:
  std::unique_ptr<FolderWatcher> folders_;
};

}  // namespace

Result<std::unique_ptr<NodeLogWatcher>> NodeLogWatcher::start() {
  LOGSTONE_ASSIGN(auto folders, FolderWatcher::start());
  return std::unique_ptr<NodeLogWatcher>(std::make_unique<InotifyNodeLogWatcher>(std::move(folders)));
}

}  // namespace logstone
