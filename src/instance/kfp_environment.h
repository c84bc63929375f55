// The environment of a Kubeflow Pipelines UI server, read as it stands: what each of its names becomes here.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace logstone {

struct KfpVariable {
  std::string name;
  std::string value;    ///< As set, or KFP's default; secrets as "(set)".
  bool is_set = false;  ///< Else it is KFP's default.
  std::string became;   ///< "argo_store = s3://...", or why it changes nothing here.
};

struct KfpSetting {
  std::string key;  ///< Of ours.
  std::string value;
  std::string source;  ///< The variables that it was made of.
};

struct KfpEnvironment {
  bool active = false;  ///< A name that only KFP has is set. Where none is, nothing else here means anything.
  std::vector<KfpSetting> settings;  ///< Below whatever our own settings say.
  std::vector<KfpVariable> variables;
};

/// Where installations mostly have their logs: KFP's UI, KFP's controller, Argo's own default.
[[nodiscard]] const std::vector<std::string>& usual_key_formats();

/// kInvalidInput where a value cannot be used, with its name.
[[nodiscard]] Result<KfpEnvironment> read_kfp_environment(const std::map<std::string, std::string>& environment);

}  // namespace logstone
