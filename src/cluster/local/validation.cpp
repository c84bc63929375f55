#include "cluster/local/validation.h"
namespace logstone::local {
void validate_workflow(const ParsedWorkflow&, Problems&) {}
}  // namespace logstone::local
