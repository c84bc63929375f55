// From YAML trees to the structs of manifest.h. Inner to the manifest reader.
#pragma once

#include <string>
#include <vector>

#include "cluster/local/manifest.h"
#include "cluster/local/manifest_fields.h"
#include "cluster/local/manifest_yaml.h"

namespace logstone::local {

enum class ValuesOf { kInputs, kOutputs, kArguments };

[[nodiscard]] Values read_values(const YamlRef& node, const std::string& path, ValuesOf of, Problems& problems);
[[nodiscard]] Container read_container(const YamlRef& node, const std::string& path, bool script, bool in_set,
                                       Problems& problems);
[[nodiscard]] RetryStrategy read_retry(const YamlRef& node, const std::string& path, Problems& problems);
[[nodiscard]] Metadata read_metadata(const YamlRef& node, const std::string& path, Problems& problems);
[[nodiscard]] std::vector<LifecycleHook> read_hooks(const YamlRef& node, const std::string& path, Problems& problems);
[[nodiscard]] Step read_step(const YamlRef& node, const std::string& path, bool task, const std::string& scope,
                             Problems& problems);

enum class TemplateForm {
  kNamed,     ///< One of `spec.templates`.
  kInline,    ///< A step's own, without a name.
  kDefaults,  ///< `templateDefaults`: may lack a type.
};
[[nodiscard]] Template read_template(const YamlRef& node, const std::string& path, const std::string& scope,
                                     TemplateForm form, Problems& problems);

/// A spec as it stands; templates in the order written, `templateDefaults` merged in.
struct ReadSpec {
  ParsedWorkflow workflow;  ///< Without templates.
  std::vector<Template> templates;
  std::optional<RetryStrategy> retry_strategy;
  std::optional<TemplateRef> workflow_template_ref;
};
[[nodiscard]] ReadSpec read_spec(const YamlRef& node, const std::string& path, const std::string& scope,
                                 Problems& problems);
/// `defaults` beneath a template, but for the fields of another type than the template's.
[[nodiscard]] YamlRef with_template_defaults(const YamlRef& tmpl, const YamlRef& defaults);

}  // namespace logstone::local
