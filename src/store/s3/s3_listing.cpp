#include "store/s3/s3_listing.h"

#include <algorithm>

namespace logstone::s3 {
namespace {

/// What of a text can go into a query: up to the first byte that no UTF-8 character begins or continues.
std::string utf8_front(const std::string& text) {
  std::size_t good = 0;
  for (std::size_t at = 0; at < text.size(); good = at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t size = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 0;
    if (size == 0 || at + size > text.size()) break;
    for (std::size_t i = 1; i < size; ++i) {
      if ((static_cast<unsigned char>(text[at + i]) & 0xc0) != 0x80) return text.substr(0, good);
    }
    at += size;
  }
  return text.substr(0, good);
}

}  // namespace

Listing::Listing(Caller& caller, std::string base, const std::string& prefix, const std::string& start_after,
                 std::size_t limit)
    : caller_(caller),
      base_(std::move(base)),
      prefix_(base_ + prefix),
      start_after_(start_after.empty() ? std::string() : base_ + start_after),
      limit_(limit) {}

Result<ListPage> Listing::ask(std::map<std::string, std::string> query) {
  query.insert({{"list-type", "2"}, {"max-keys", "1000"}});
  ListPage page;
  LOGSTONE_TRY(caller_.call("list objects", {.method = "GET", .path = "", .query = std::move(query)},
                            [&](const Answer& answer) -> Result<> {
                              LOGSTONE_ASSIGN(page, read_list_page(answer.body));
                              return {};
                            }));
  return page;
}

void Listing::take(ObjectInfo object) {
  if (full() || !object.key.starts_with(prefix_) || object.key <= start_after_) return;
  object.key.erase(0, base_.size());
  // Others may keep what is no key of ours in the bucket, such as the markers of empty folders.
  if (!check_key(object.key)) return;
  if (page_.objects.size() == limit_) {
    page_.more = true;
    return;
  }
  page_.objects.push_back(std::move(object));
}

Result<ObjectPage> Listing::flat() {
  // Servers disagree on a start before the prefix; nothing that begins with the prefix is left after one beyond it.
  if (start_after_ > prefix_ && !start_after_.starts_with(prefix_)) return page_;
  std::string after = start_after_ > prefix_ ? utf8_front(start_after_) : std::string();
  while (!full()) {
    std::map<std::string, std::string> query = {{"prefix", utf8_front(prefix_)}};
    if (!after.empty()) query["start-after"] = after;
    LOGSTONE_ASSIGN(ListPage page, ask(std::move(query)));
    std::string last = after;
    for (ObjectInfo& object : page.objects) {
      if (object.key <= last) {
        return Error{ErrorKind::kUnsupported, "list objects", caller_.subject(prefix_),
                     "the store's pages are not in the order of the keys",
                     "Give `listing=folders` in the store's URL."};
      }
      last = object.key;
      take(std::move(object));
    }
    if (!page.truncated || page.objects.empty()) break;
    after = last;
  }
  return std::move(page_);
}

bool Listing::folder_matters(const std::string& key) const {
  return (key.starts_with(prefix_) || prefix_.starts_with(key)) &&
         (key > start_after_ || start_after_.starts_with(key));
}

Result<> Listing::walk(const std::string& prefix) {
  LOGSTONE_ASSIGN(ListPage all, ask({{"prefix", prefix}}));
  const auto by_key = [](const auto& a, const auto& b) { return a.key < b.key; };
  if (!all.truncated) {
    std::sort(all.objects.begin(), all.objects.end(), by_key);
    for (ObjectInfo& object : all.objects) take(std::move(object));
    return {};
  }
  std::vector<Entry> entries;
  std::map<std::string, std::string> query = {{"prefix", prefix}, {"delimiter", "/"}};
  while (true) {
    LOGSTONE_ASSIGN(ListPage level, ask(query));
    for (ObjectInfo& object : level.objects) {
      std::string key = object.key;
      entries.push_back({std::move(key), std::move(object), false});
    }
    for (std::string& folder : level.folders) entries.push_back({std::move(folder), {}, true});
    if (!level.truncated || level.continuation_token.empty()) break;
    query["continuation-token"] = level.continuation_token;
  }
  std::sort(entries.begin(), entries.end(), by_key);
  for (Entry& entry : entries) {
    if (full()) break;
    if (!entry.folder) {
      take(std::move(entry.object));
    } else if (entry.key.size() > prefix.size() && folder_matters(entry.key)) {
      LOGSTONE_TRY(walk(entry.key));
    }
  }
  return {};
}

Result<ObjectPage> Listing::by_folders() {
  LOGSTONE_TRY(walk(utf8_front(prefix_)));
  return std::move(page_);
}

}  // namespace logstone::s3
