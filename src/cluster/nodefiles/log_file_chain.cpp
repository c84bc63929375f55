#include "cluster/nodefiles/log_file_chain.h"

#include <algorithm>

namespace logstone {
namespace {

// A reader that falls far behind must not keep the disk full of deleted files.
constexpr std::size_t kMaxOpenFiles = 8;
constexpr const char* kRotatedAway = "rotated away before it was read";

}  // namespace

Result<> LogFileChain::scan() {
  constexpr int kTries = 20;
  for (int i = 0;; ++i) {
    LOGSTONE_ASSIGN(const auto listing, list_log_folder(place_.folder, place_.restart));
    folder_missing_ = !listing.folder.valid();
    folder_seen_ = folder_seen_ || !folder_missing_;
    auto extended = extend(listing);
    // A file that is gone since it was listed: its new name is in the next listing.
    if (extended || extended.error().kind != ErrorKind::kNotFound || i == kTries) return extended;
  }
}

Result<> LogFileChain::extend(const LogFolderListing& listing) {
  if (listing.files.empty()) return {};
  if (files_.empty()) return find_start(listing);

  const LogFile& last = *files_.back().file;
  for (std::size_t i = 0; i < listing.files.size(); ++i) {
    if (last.is(listing.files[i])) return append(listing, i + 1, {});
  }
  // It was compressed, or it is gone; what was written after it may be gone as well.
  std::int64_t newest = passed_time_;
  for (const Link& link : files_) {
    LOGSTONE_ASSIGN(const auto identity, link.file->identify());
    if (!identity) continue;
    newest = std::max(newest, identity->first_time);
    if (link.file.get() != &last) continue;
    LOGSTONE_ASSIGN(const auto at, find(listing, *identity));
    if (at) return append(listing, *at + 1, {});
  }
  LOGSTONE_ASSIGN(const std::size_t first, first_newer(listing, newest));
  return append(listing, first, kRotatedAway);
}

Result<> LogFileChain::find_start(const LogFolderListing& listing) {
  if (!from_) return append(listing, 0, {});
  LOGSTONE_ASSIGN(const auto at, find(listing, from_->file));
  if (at) {
    LOGSTONE_TRY(append(listing, *at, {}));
    start_ = from_;
  } else {
    LOGSTONE_ASSIGN(const std::size_t first, first_newer(listing, from_->file.first_time));
    LOGSTONE_TRY(append(listing, first, kRotatedAway));
  }
  if (files_.empty()) return {};
  passed_time_ = from_->file.first_time;
  from_.reset();
  return {};
}

Result<std::optional<std::size_t>> LogFileChain::find(const LogFolderListing& listing,
                                                      const LogFileIdentity& identity) const {
  for (std::size_t i = listing.files.size(); i-- > 0;) {  // Cursors are in new files more often than in old ones.
    LOGSTONE_ASSIGN(const auto file, LogFile::open(listing, listing.files[i], place_.folder));
    LOGSTONE_ASSIGN(const bool same, file->begins_as(identity));
    if (same) return std::optional(i);
  }
  return std::optional<std::size_t>();
}

Result<std::size_t> LogFileChain::first_newer(const LogFolderListing& listing, std::int64_t than) const {
  for (std::size_t i = listing.files.size(); i-- > 0;) {
    LOGSTONE_ASSIGN(const auto file, LogFile::open(listing, listing.files[i], place_.folder));
    LOGSTONE_ASSIGN(const auto identity, file->identify());
    if (identity && identity->first_time != 0 && identity->first_time <= than) return i + 1;
  }
  return std::size_t{0};
}

Result<> LogFileChain::append(const LogFolderListing& listing, std::size_t first, std::string gap_before) {
  std::vector<Link> links;
  incomplete_ = false;
  for (std::size_t i = first; i < listing.files.size(); ++i) {
    if (files_.size() + links.size() == kMaxOpenFiles) {
      incomplete_ = true;
      break;
    }
    LOGSTONE_ASSIGN(auto file, LogFile::open(listing, listing.files[i], place_.folder));
    links.push_back({std::move(file), std::exchange(gap_before, {})});
  }
  std::move(links.begin(), links.end(), std::back_inserter(files_));
  return {};
}

Result<bool> LogFileChain::newer_has_bytes() const {
  for (std::size_t i = 1; i < files_.size(); ++i) {
    LOGSTONE_ASSIGN(const auto bytes, files_[i].file->available(0, 1));
    if (bytes && *bytes > 0) return true;
  }
  return false;
}

void LogFileChain::pop(std::int64_t first_time) {
  passed_time_ = std::max(passed_time_, first_time);
  files_.pop_front();
}

bool LogFileChain::has_writer() const {
  return std::any_of(files_.begin(), files_.end(), [](const Link& link) { return link.file->has_writer(); });
}

bool LogFileChain::ends_in_current() const {
  const auto name = parse_log_file_name(files_.back().file->present_name(), place_.restart);
  return name && name->current;
}

std::vector<int> LogFileChain::descriptors() const {
  std::vector<int> out;
  for (const Link& link : files_) out.push_back(link.file->descriptor());
  return out;
}

}  // namespace logstone
