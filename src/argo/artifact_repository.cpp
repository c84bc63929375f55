#include "argo/artifact_repository.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "argo/repository_json.h"
#include "argo/yaml_tree.h"

namespace logstone::argo {
namespace {

using nlohmann::json;

constexpr std::array kDrivers = {"s3", "gcs", "azure", "oss", "hdfs", "artifactory"};

std::optional<SecretReference> secret_of(const json& location, const char* name) {
  const json& secret = member(location, name);
  SecretReference out{text_of(secret, "name"), text_of(secret, "key")};
  if (out.name.empty() || out.key.empty()) return std::nullopt;
  return out;
}

/// "host[:port]", lower case, as bare as two ways to write it can be compared.
std::string bare_endpoint(std::string_view endpoint) {
  std::string text(endpoint);
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  std::string own_port;
  for (const auto& [scheme, port] : {std::pair("http://", ":80"), std::pair("https://", ":443")}) {
    if (!text.starts_with(scheme)) continue;
    text.erase(0, std::string_view(scheme).size());
    own_port = port;
  }
  text = text.substr(0, text.find('/'));
  if (const std::size_t at = text.rfind('@'); at != std::string::npos) text.erase(0, at + 1);
  if (!own_port.empty() && text.ends_with(own_port)) text.resize(text.size() - own_port.size());
  std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || text.find(']', colon) != std::string::npos) colon = text.size();
  std::string host = text.substr(0, colon);
  while (host.ends_with('.')) host.pop_back();
  for (const std::string_view suffix : {".cluster.local", ".svc"}) {
    if (host.ends_with(suffix)) host.resize(host.size() - suffix.size());
  }
  return host + text.substr(colon);
}

}  // namespace

std::string ArtifactRepository::description() const {
  std::string text = (driver.empty() ? "unknown driver" : driver) + " bucket " + (bucket.empty() ? "(none)" : bucket);
  if (!endpoint.empty()) text += " at " + endpoint;
  return text;
}

ArtifactRepository read_location(const json& object, ArtifactRepository base) {
  ArtifactRepository out = std::move(base);
  for (const char* driver : kDrivers) {
    const json& location = member(object, driver);
    if (!location.is_object()) continue;
    if (out.driver != driver) {
      const std::string name_space = std::move(out.name_space);
      out = {};
      out.name_space = name_space;
      out.driver = driver;
    }
    std::string bucket = text_of(location, "bucket");
    if (bucket.empty()) bucket = text_of(location, "container");
    const std::string endpoint = text_of(location, "endpoint");
    const bool elsewhere = !endpoint.empty() && !same_endpoint(endpoint, out.endpoint);
    if (elsewhere) {
      // The base's keys are for the base's server: another must not see them used.
      out.access_key_secret.reset();
      out.secret_key_secret.reset();
      out.session_token_secret.reset();
      out.use_sdk_credentials = false;
      out.insecure = false;
      out.region.clear();
    }
    if (!endpoint.empty()) out.endpoint = endpoint;
    if (!bucket.empty()) out.bucket = bucket;
    if (const std::string region = text_of(location, "region"); !region.empty()) out.region = region;
    if (!member(location, "insecure").is_null()) out.insecure = flag_of(location, "insecure");
    if (!member(location, "useSDKCreds").is_null()) out.use_sdk_credentials = flag_of(location, "useSDKCreds");
    if (auto secret = secret_of(location, "accessKeySecret")) out.access_key_secret = secret;
    if (auto secret = secret_of(location, "secretKeySecret")) out.secret_key_secret = secret;
    if (auto secret = secret_of(location, "sessionTokenSecret")) out.session_token_secret = secret;
    if (const std::string format = text_of(location, "keyFormat"); !format.empty()) {
      out.key_format = format;
    } else if (const std::string prefix = text_of(location, "keyPrefix"); !prefix.empty()) {
      out.key_format = prefix + "/" + std::string(kArgoKeyFormat);
    }
    break;
  }
  return out;
}

std::string location_key(const json& object) {
  for (const char* driver : kDrivers) {
    const json& location = member(object, driver);
    for (const char* name : {"key", "blob", "path", "url"}) {
      if (std::string key = text_of(location, name); !key.empty()) return key;
    }
  }
  return {};
}

Result<ArtifactRepository> parse_artifact_repository(std::string_view text, const std::string& subject) {
  LOGSTONE_ASSIGN(const json tree, read_yaml_tree(text, subject));
  if (!tree.is_object()) {
    return Error{ErrorKind::kInvalidInput, "read artifact repository", subject, "it is not a map", {}};
  }
  ArtifactRepository repository = read_location(tree);
  if (repository.driver.empty()) {
    return Error{ErrorKind::kInvalidInput,
                 "read artifact repository",
                 subject,
                 "it names no s3, gcs, azure, oss, hdfs or artifactory",
                 {}};
  }
  return repository;
}

bool same_endpoint(std::string_view a, std::string_view b) { return bare_endpoint(a) == bare_endpoint(b); }

bool is_metadata_endpoint(std::string_view endpoint) {
  std::string host = bare_endpoint(endpoint);
  if (host.starts_with('[')) {
    host = host.substr(1, host.find(']') - 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  if (host.find(':') != std::string::npos) {
    return host.starts_with("fe8") || host.find("a9fe") != std::string::npos ||
           host.find("169.254.") != std::string::npos || host == "fd00:ec2::254";
  }
  // Addresses written as other than four decimal numbers are ways around this test and nothing else.
  const bool digits_first = !host.empty() && host[0] >= '0' && host[0] <= '9';
  const bool number = digits_first && host.find_first_not_of("0123456789abcdefx.") == std::string::npos;
  const bool quad = number && std::count(host.begin(), host.end(), '.') == 3 &&
                    host.find_first_not_of("0123456789.") == std::string::npos && host[0] != '0';
  return (number && !quad) || host.starts_with("169.254.") || host == "metadata" ||
         host == "metadata.google.internal" || host.starts_with("instance-data");
}

}  // namespace logstone::argo
