#include "store/object_store.h"

#include <algorithm>

namespace logstone {
namespace {

constexpr std::size_t kMaxKeyBytes = 1024;

Error bad_key(std::string_view key, std::string reason) {
  std::string shown;
  for (const char c : key.substr(0, 200)) shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return Error{ErrorKind::kInvalidInput, "use object key", '"' + shown + '"', std::move(reason),
               "Keys are 1 to 1,024 bytes of UTF-8, their parts divided by \"/\"."};
}

/// Bytes of the UTF-8 character at the front; 0 where there is none.
std::size_t utf8_size(std::string_view text) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xc2 && lead < 0xe0   ? 2
                           : lead >= 0xe0 && lead < 0xf0 ? 3
                           : lead >= 0xf0 && lead < 0xf5 ? 4
                                                         : 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Longer forms than needed, surrogates, and what lies beyond U+10FFFF.
  if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f) || (lead == 0xf0 && byte(1) < 0x90) ||
      (lead == 0xf4 && byte(1) > 0x8f)) {
    return 0;
  }
  return size;
}

}  // namespace

Result<> check_key(std::string_view key) {
  if (key.empty()) return bad_key(key, "it is empty");
  if (key.size() > kMaxKeyBytes) return bad_key(key, "it is longer than 1,024 bytes");
  for (std::size_t at = 0; at < key.size();) {
    const std::size_t size = utf8_size(key.substr(at));
    if (size == 0) return bad_key(key, "it is not UTF-8");
    const auto byte = static_cast<unsigned char>(key[at]);
    const bool high_control = byte == 0xc2 && static_cast<unsigned char>(key[at + 1]) < 0xa0;
    if (byte < 0x20 || byte == 0x7f || high_control) return bad_key(key, "it has a control character");
    at += size;
  }
  for (std::size_t at = 0; at <= key.size();) {
    const std::size_t end = std::min(key.find('/', at), key.size());
    const std::string_view part = key.substr(at, end - at);
    if (part.empty()) return bad_key(key, "it has an empty part");
    if (part == "." || part == "..") return bad_key(key, "it has a part \"" + std::string(part) + '"');
    at = end + 1;
  }
  return {};
}

Result<> ObjectStore::remove_many(const std::vector<std::string>& keys) {
  for (const std::string& key : keys) LOGSTONE_TRY(remove(key));
  return {};
}

Result<std::vector<ObjectInfo>> list_all(ObjectStore& store, const std::string& prefix) {
  std::vector<ObjectInfo> all;
  std::string last;
  while (true) {
    LOGSTONE_ASSIGN(ObjectPage page, store.list(prefix, last));
    for (ObjectInfo& object : page.objects) all.push_back(std::move(object));
    if (!page.more) return all;
    if (all.empty() || all.back().key <= last) {
      return Error{ErrorKind::kInternal, "list objects", store.description() + ' ' + prefix,
                   "the store's pages do not go forward", "Please report this."};
    }
    last = all.back().key;
  }
}

}  // namespace logstone
