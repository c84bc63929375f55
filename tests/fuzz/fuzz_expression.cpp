// No condition, `depends` or expression crashes or hangs its evaluator. The first byte chooses the language.
#include <cstdint>
#include <string_view>

#include "cluster/local/expression.h"
#include "cluster/local/template_tags.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace logstone::local;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  static const Scope scope{{"inputs.parameters.n", "5"}, {"steps.a.outputs.result", "[1,{\"b\":2}]"}, {"item", "x"}};
  switch (data[0] % 4) {
    case 0:
      static_cast<void>(evaluate_when(text));
      static_cast<void>(check_when(text));
      break;
    case 1:
      static_cast<void>(evaluate_depends(text, {{"A", {}}}));
      static_cast<void>(tasks_in_depends(text));
      break;
    case 2:
      static_cast<void>(evaluate_expression(text, scope));
      static_cast<void>(names_in_expression(text));
      break;
    default:
      static_cast<void>(substitute(text, scope, Unresolved::kFail));
      Loop loop;
      loop.param = std::string(text);
      static_cast<void>(expand_loop(loop));
  }
  return 0;
}
