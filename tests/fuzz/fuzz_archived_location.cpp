// No Workflow object, ConfigMap or artifact repository of others crashes their readers.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "argo/archived_location.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace logstone::argo;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto all = read_archived_locations(text)) {
    for (const auto& log : all->logs) {
      if (log.key.empty() || log.container.empty() || log.pod_names.empty()) std::abort();
      (void)log.repository.description();
    }
  }
  if (const auto repository = parse_artifact_repository(text, "fuzz")) {
    if (repository->driver.empty()) std::abort();
    (void)is_metadata_endpoint(repository->endpoint);
  }
  return 0;
}
