// Lists keys in the order of their bytes, whatever order the store itself keeps.
#pragma once

#include <string>
#include <vector>

#include "store/s3/s3_answers.h"
#include "store/s3/s3_caller.h"

namespace logstone::s3 {

/// One page of `ObjectStore::list`; used once.
class Listing {
 public:
  /// `base` is before every key in the bucket: "" or something that ends with '/'.
  Listing(Caller& caller, std::string base, const std::string& prefix, const std::string& start_after,
          std::size_t limit);
  /// Asks the store for keys after a key: one request a page where the store orders as S3 says.
  [[nodiscard]] Result<ObjectPage> flat();
  /// Asks for everything under the prefix, and where that is more than a page, folder by folder.
  [[nodiscard]] Result<ObjectPage> by_folders();

 private:
  struct Entry {
    std::string key;  ///< Of a folder: with '/' at its end, which puts it in its place among the objects.
    ObjectInfo object;
    bool folder = false;
  };
  [[nodiscard]] Result<ListPage> ask(std::map<std::string, std::string> query);
  [[nodiscard]] Result<> walk(const std::string& prefix);
  [[nodiscard]] bool folder_matters(const std::string& key) const;
  void take(ObjectInfo object);
  [[nodiscard]] bool full() const { return page_.more; }

  Caller& caller_;
  std::string base_;
  std::string prefix_;  ///< In the bucket, as start_after_.
  std::string start_after_;
  std::size_t limit_;
  ObjectPage page_;
};

}  // namespace logstone::s3
