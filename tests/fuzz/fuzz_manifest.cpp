// No manifest, however broken, crashes, hangs or exhausts the reader; what it takes can be stored and read again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cluster/local/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace logstone::local;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = parse_manifests(text, "fuzz.yaml");
  if (!parsed) {
    if (parsed.error().reason.empty()) std::abort();
    return 0;
  }
  const auto workflows = resolve_manifests(*parsed, {});
  if (!workflows) return 0;
  for (const ParsedWorkflow& workflow : *workflows) {
    const auto again = reopen_workflow(workflow.stored);
    if (!again || again->manifest_json != workflow.manifest_json) std::abort();
  }
  return 0;
}
