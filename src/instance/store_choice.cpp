#include "instance/store_choice.h"

#include <filesystem>

#include "store/filesystem_store.h"

namespace logstone {
namespace {

constexpr std::string_view kFileScheme = "file://";
constexpr std::chrono::milliseconds kProbeDeadline{2'000};

}  // namespace

std::string store_folder(const Settings& settings) {
  if (settings.store.empty()) return (std::filesystem::path(settings.data) / "store").string();
  if (settings.store.starts_with(kFileScheme)) return settings.store.substr(kFileScheme.size());
  return {};
}

Result<OpenStore> open_store(const Settings& settings, bool may_be_away) {
  OpenStore out;
  if (const std::string folder = store_folder(settings); !folder.empty()) {
    LOGSTONE_ASSIGN(out.store, open_filesystem_store(folder));
    std::error_code ignored;
    // The data folder may move with the store in it.
    out.place = settings.store.empty() ? "data folder" : std::filesystem::weakly_canonical(folder, ignored).string();
    return out;
  }
  LOGSTONE_ASSIGN(S3Settings s3, parse_s3_url(settings.store, settings.environment));
  out.s3_metrics = s3.metrics = std::make_shared<S3Metrics>();
  out.place = "s3://" + s3.bucket + (s3.prefix.empty() ? "" : '/' + s3.prefix) + " at " + s3.endpoint;
  S3Settings quick = s3;
  quick.deadline = kProbeDeadline;
  quick.connect_timeout = std::min(quick.connect_timeout, kProbeDeadline);
  quick.stall_timeout = std::chrono::ceil<std::chrono::seconds>(kProbeDeadline);
  quick.may_be_away = true;
  s3.may_be_away = may_be_away;
  LOGSTONE_ASSIGN(out.store, open_s3_store(std::move(s3)));
  LOGSTONE_ASSIGN(out.probe, open_s3_store(std::move(quick)));
  return out;
}

}  // namespace logstone
