// A policy file is written by hand; whatever it holds, the answer is a policy or a sentence.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "model/retention_policy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto policy = logstone::RetentionPolicy::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!policy && (policy.error().kind != logstone::ErrorKind::kInvalidInput || policy.error().reason.empty()))
    std::abort();
  return 0;
}
