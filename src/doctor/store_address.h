// Addresses of object stores, so that two spellings of one can be told from two stores.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "doctor/deployment_facts.h"

namespace logstone::doctor {

struct StoreAddress {
  std::string host;  ///< Lower case; of a cluster's Service `name.namespace`.
  int port = 0;
  [[nodiscard]] std::string text() const { return host + ':' + std::to_string(port); }
  [[nodiscard]] bool is_service() const { return host.find('.') == host.rfind('.') && port != 443; }
};
/// `seaweedfs.kubeflow.svc:9000`, `https://s3.amazonaws.com`, `minio`. `name_space` completes a bare Service's name.
[[nodiscard]] StoreAddress parse_store_address(std::string_view text, bool tls, const std::string& name_space);
/// Equal, or two Services of the deployment with one selector and one target port.
[[nodiscard]] bool is_same_store(const StoreAddress& a, const StoreAddress& b, const Deployment& deployment);

}  // namespace logstone::doctor
