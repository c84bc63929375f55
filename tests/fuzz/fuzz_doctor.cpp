// Manifests come from everywhere; whatever they hold, the answer is findings or a sentence.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "doctor/examination.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using logstone::doctor::examine;
  const auto examination = examine({"-"}, {reinterpret_cast<const char*>(data), size}, {true, std::nullopt});
  if (!examination &&
      (examination.error().kind != logstone::ErrorKind::kInvalidInput || examination.error().reason.empty()))
    std::abort();
  if (examination && logstone::doctor::to_json(*examination).empty()) std::abort();
  return 0;
}
