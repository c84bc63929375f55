// No object, however it pretends to be packed, crashes the reader or unpacks beyond its bound; what was opened is read.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "argo/log_object.h"
#include "tests/archive/memory_store.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace logstone;
  constexpr std::uint64_t kMost = 1 << 20;
  static BlockCache cache(1 << 20);
  static argo::LogObjects objects(cache, {std::filesystem::temp_directory_path(), kMost, 1});
  const auto store = std::make_shared<test::MemoryStore>();
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  static std::int64_t count = 0;
  if (!store->put("k", bytes)) std::abort();
  // Another time: another object.
  const ObjectInfo object{"k", size, from_unix_nanoseconds(++count)};
  const auto log = objects.open(store, object, "main");
  if (!log) {
    if (log.error().reason.empty()) std::abort();
    return 0;
  }
  const LogExtent extent = (*log)->extent();
  if (extent.bytes > kMost && extent.bytes != size) std::abort();
  std::uint64_t at = 0;
  while (at < extent.bytes) {
    const auto part = (*log)->read(at, 100'000);
    if (!part || part->empty()) std::abort();
    at += part->size();
  }
  const auto tail = (*log)->find_tail(3);
  const auto line = (*log)->find_line(3);
  if (!tail || *tail > extent.bytes || !line || *line > extent.bytes) std::abort();
  return 0;
}
