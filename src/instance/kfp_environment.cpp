#include "instance/kfp_environment.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "model/key_format.h"

namespace logstone {
namespace {

struct Known {
  const char* name;
  const char* fallback;  ///< KFP's own default.
  bool secret = false;
  bool only_kfp = true;  ///< Nobody but KFP uses the name.
};

constexpr std::array kKnown = {
    Known{"ARGO_ARCHIVE_LOGS", "false"},
    Known{"ARGO_ARCHIVE_ARTIFACTORY", "minio"},
    Known{"ARGO_ARCHIVE_BUCKETNAME", "mlpipeline"},
    Known{"ARGO_KEYFORMAT",
          "artifacts/{{workflow.name}}/{{workflow.creationTimestamp.Y}}/{{workflow.creationTimestamp.m}}/"
          "{{workflow.creationTimestamp.d}}/{{pod.name}}"},
    Known{"ARGO_ARTIFACT_REPOSITORIES_LOOKUP", "false"},
    Known{"POD_LOG_CONTAINER_NAME", "main"},
    Known{"DISABLE_GKE_METADATA", "true", false, false},
    Known{"STREAM_LOGS_FROM_SERVER_API", "false"},
    Known{"ENABLE_AUTHZ", "false"},
    Known{"KUBEFLOW_USERID_HEADER", "x-goog-authenticated-user-email"},
    Known{"KUBEFLOW_USERID_PREFIX", "accounts.google.com:"},
    Known{"FRONTEND_SERVER_NAMESPACE", "kubeflow"},
    Known{"MINIO_HOST", "seaweedfs"},
    Known{"MINIO_PORT", "9000"},
    Known{"MINIO_NAMESPACE", "kubeflow"},
    Known{"MINIO_ACCESS_KEY", "minio", true},
    Known{"MINIO_SECRET_KEY", "minio123", true},
    Known{"MINIO_SSL", "false"},
    Known{"AWS_S3_ENDPOINT", "", false, false},
    Known{"AWS_REGION", "us-east-1", false, false},
    Known{"AWS_SSL", "true", false, false},
    Known{"AWS_ACCESS_KEY_ID", "", true, false},
    Known{"AWS_SECRET_ACCESS_KEY", "", true, false},
};

class Reader {
 public:
  explicit Reader(const std::map<std::string, std::string>& environment) : environment_(environment) {
    for (const Known& known : kKnown) {
      const auto set = environment.find(known.name);
      const bool is_set = set != environment.end();
      const std::string value = is_set ? set->second : known.fallback;
      out_.active = out_.active || (is_set && known.only_kfp);
      values_[known.name] = value;
      out_.variables.push_back({known.name, known.secret && !value.empty() ? "(set)" : value, is_set, ""});
    }
  }

  Result<KfpEnvironment> run() {
    if (!out_.active) return KfpEnvironment{};
    LOGSTONE_ASSIGN(const bool archived, flag("ARGO_ARCHIVE_LOGS"));
    LOGSTONE_TRY(read_store(archived));
    LOGSTONE_TRY(read_formats(archived));
    LOGSTONE_ASSIGN(const bool lookup, flag("ARGO_ARTIFACT_REPOSITORIES_LOOKUP"));
    became("ARGO_ARTIFACT_REPOSITORIES_LOOKUP",
           lookup ? "ConfigMaps are read where argo_config gives them" : "nothing: argo_config alone decides");
    if (value("POD_LOG_CONTAINER_NAME").empty()) {
      return bad("POD_LOG_CONTAINER_NAME", "it is empty", "name the container, as in main");
    }
    set("log_container", value("POD_LOG_CONTAINER_NAME"), "POD_LOG_CONTAINER_NAME");
    LOGSTONE_TRY(flag("DISABLE_GKE_METADATA"));
    became("DISABLE_GKE_METADATA",
           "no metadata service is asked, unless a store's URL says metadata=yes and this is false");
    LOGSTONE_TRY(flag("STREAM_LOGS_FROM_SERVER_API"));
    became("STREAM_LOGS_FROM_SERVER_API", "nothing: logs are answered here");
    LOGSTONE_ASSIGN(const bool authz, flag("ENABLE_AUTHZ"));
    set("enable_authz", authz ? "true" : "false", "ENABLE_AUTHZ");
    for (const char* name : {"KUBEFLOW_USERID_HEADER", "KUBEFLOW_USERID_PREFIX"}) {
      became(name, "nothing yet: there is no cluster to ask what a user may read");
    }
    set("argo_namespace", value("FRONTEND_SERVER_NAMESPACE"), "FRONTEND_SERVER_NAMESPACE");
    return std::move(out_);
  }

 private:
  Error bad(const std::string& name, std::string reason, std::string advice) const {
    return {ErrorKind::kInvalidInput, "read the environment's", name, std::move(reason), std::move(advice)};
  }
  const std::string& value(const std::string& name) const { return values_.at(name); }
  bool is_set(const std::string& name) const { return environment_.contains(name); }

  void became(const std::string& name, std::string text) {
    for (KfpVariable& variable : out_.variables) {
      if (variable.name == name) variable.became = std::move(text);
    }
  }
  void set(const std::string& key, const std::string& text, const std::string& from, bool secret = false) {
    out_.settings.push_back({key, text, is_set(from) ? from : from + " (KFP's default)"});
    became(from, key + " = " + (secret ? "(set)" : text));
  }

  /// As KFP reads it: "true" in any case; anything else that is not "false" is told instead of taken for false.
  Result<bool> flag(const std::string& name) const {
    std::string text = value(name);
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    if (text == "true" || text == "1") return true;
    if (text == "false" || text == "0" || text.empty()) return false;
    return bad(name, "\"" + value(name) + "\" is neither true nor false", "write true or false");
  }

  Result<> read_store(bool archived) {
    const std::string& artifactory = value("ARGO_ARCHIVE_ARTIFACTORY");
    std::vector<const char*> used;
    std::vector<const char*> unused = {"MINIO_HOST", "MINIO_PORT",        "MINIO_NAMESPACE",      "MINIO_ACCESS_KEY",
                                       "MINIO_SSL",  "MINIO_SECRET_KEY",  "AWS_S3_ENDPOINT",      "AWS_REGION",
                                       "AWS_SSL",    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"};
    std::string url = "s3://" + value("ARGO_ARCHIVE_BUCKETNAME");
    if (value("ARGO_ARCHIVE_BUCKETNAME").empty())
      return bad("ARGO_ARCHIVE_BUCKETNAME", "it is empty", "name the bucket");
    if (artifactory == "minio") {
      LOGSTONE_ASSIGN(const bool tls, flag("MINIO_SSL"));
      const std::string& port = value("MINIO_PORT");
      if (port.find_first_not_of("0123456789") != std::string::npos) {
        return bad("MINIO_PORT", "\"" + port + "\" is no port", "write a number, as in 9000");
      }
      std::string host = value("MINIO_HOST");
      if (host.empty()) return bad("MINIO_HOST", "it is empty", "name the object store's host");
      if (!value("MINIO_NAMESPACE").empty()) host += "." + value("MINIO_NAMESPACE");
      url += std::string("?endpoint=") + (tls ? "https://" : "http://") + host + (port.empty() ? "" : ":" + port);
      used = {"MINIO_HOST", "MINIO_PORT", "MINIO_NAMESPACE", "MINIO_SSL"};
      set("argo_access_key", value("MINIO_ACCESS_KEY"), "MINIO_ACCESS_KEY", true);
      set("argo_secret_key", value("MINIO_SECRET_KEY"), "MINIO_SECRET_KEY", true);
      std::erase_if(unused, [](std::string_view name) { return name.starts_with("MINIO_"); });
    } else if (artifactory == "s3") {
      LOGSTONE_ASSIGN(const bool tls, flag("AWS_SSL"));
      url += "?region=" + value("AWS_REGION");
      std::string endpoint = value("AWS_S3_ENDPOINT");
      if (!endpoint.empty()) {
        if (endpoint.find("://") == std::string::npos) endpoint = (tls ? "https://" : "http://") + endpoint;
        url += "&endpoint=" + endpoint;
      }
      used = {"AWS_S3_ENDPOINT", "AWS_REGION", "AWS_SSL"};
      for (const char* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}) {
        became(name, value(name).empty() ? "nothing: the AWS tools' other sources are read" : "the keys of argo_store");
      }
      std::erase_if(unused, [](std::string_view name) { return name.starts_with("AWS_"); });
    } else if (archived) {
      return bad("ARGO_ARCHIVE_ARTIFACTORY", "\"" + artifactory + "\" is not read", "minio and s3 are");
    } else {
      url.clear();
    }
    for (const char* name : unused) became(name, "nothing: ARGO_ARCHIVE_ARTIFACTORY is " + artifactory);
    if (url.empty()) {
      became("ARGO_ARCHIVE_ARTIFACTORY", "nothing: only minio and s3 are read");
      became("ARGO_ARCHIVE_BUCKETNAME", "nothing");
      return {};
    }
    used.push_back("ARGO_ARCHIVE_BUCKETNAME");
    used.push_back("ARGO_ARCHIVE_ARTIFACTORY");
    std::string source;
    for (const char* name : used) {
      became(name, "argo_store = " + url);
      if (is_set(name)) source += (source.empty() ? "" : ", ") + std::string(name);
    }
    out_.settings.push_back({"argo_store", url, source.empty() ? "KFP's defaults" : source});
    return {};
  }

  Result<> read_formats(bool archived) {
    if (auto format = KeyFormat::parse(value("ARGO_KEYFORMAT")); !format) {
      return bad("ARGO_KEYFORMAT", format.error().reason, format.error().advice);
    }
    if (!archived) {
      set("key_formats", "", "ARGO_ARCHIVE_LOGS");
      became("ARGO_ARCHIVE_LOGS", "no key format is looked for; true would look for them");
      became("ARGO_KEYFORMAT", "nothing: ARGO_ARCHIVE_LOGS is false");
      return {};
    }
    became("ARGO_ARCHIVE_LOGS", "the key formats are looked for in argo_store");
    // KFP's own manifests let the controller write where the UI's default does not look: both are looked for.
    std::string formats = value("ARGO_KEYFORMAT");
    for (const std::string& usual : usual_key_formats()) {
      if (usual != value("ARGO_KEYFORMAT")) formats += "\n" + usual;
    }
    set("key_formats", formats, "ARGO_KEYFORMAT");
    became("ARGO_KEYFORMAT", "key_formats: the first of them; the usual ones follow");
    return {};
  }

  const std::map<std::string, std::string>& environment_;
  std::map<std::string, std::string> values_;
  KfpEnvironment out_;
};

}  // namespace

const std::vector<std::string>& usual_key_formats() {
  static const std::vector<std::string> formats = {
      "artifacts/{{workflow.name}}/{{workflow.creationTimestamp.Y}}/{{workflow.creationTimestamp.m}}/"
      "{{workflow.creationTimestamp.d}}/{{pod.name}}",
      "private-artifacts/{{workflow.namespace}}/{{workflow.name}}/{{workflow.creationTimestamp.Y}}/"
      "{{workflow.creationTimestamp.m}}/{{workflow.creationTimestamp.d}}/{{pod.name}}",
      "{{workflow.name}}/{{pod.name}}",
  };
  return formats;
}

Result<KfpEnvironment> read_kfp_environment(const std::map<std::string, std::string>& environment) {
  return Reader(environment).run();
}

}  // namespace logstone
