#include "cluster/local/object_folder.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/file.h"
#include "cluster/local/pod_spec.h"

namespace logstone::local {

Result<ObjectFolder> ObjectFolder::open(std::filesystem::path folder) {
  LOGSTONE_TRY(make_directories(folder));
  return ObjectFolder(std::move(folder));
}

Result<> ObjectFolder::put(const std::string& name, std::string_view json) const {
  return replace_file(folder_ / (name + ".json"), json);
}

Result<> ObjectFolder::remove(const std::string& name) const {
  const auto path = folder_ / (name + ".json");
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error("delete object", path, errno);
  return {};
}

Result<std::vector<ObjectFolder::Object>> ObjectFolder::load() const {
  std::vector<Object> objects;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    const auto& path = it->path();
    if (path.extension() == ".tmp") ::unlink(path.c_str());
    if (path.extension() != ".json") continue;
    LOGSTONE_ASSIGN(auto json, read_file(path));
    objects.push_back({path.stem().string(), std::move(json)});
  }
  if (error) return Error{ErrorKind::kUnavailable, "list objects", folder_.string(), error.message(), ""};
  std::sort(objects.begin(), objects.end(), [](const Object& a, const Object& b) { return a.name < b.name; });
  return objects;
}

}  // namespace logstone::local
