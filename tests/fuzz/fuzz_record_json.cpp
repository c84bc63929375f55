// record.json comes from a store that anything may have written to.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "model/record_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto record = logstone::record_from_json({reinterpret_cast<const char*>(data), size});
  if (!record) return 0;
  // What was understood once is understood the same again.
  const auto again = logstone::record_from_json(logstone::to_json(*record));
  if (!again || !(*again == *record)) std::abort();
  return 0;
}
