// Keys that a service hands out for a while: STS by web identity, and the metadata service of a machine.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "base/file.h"
#include "store/s3/s3_credentials.h"
#include "store/s3/s3_http.h"

namespace logstone::s3 {
namespace {

constexpr std::size_t kMostTokenBytes = 64 << 10;
constexpr std::size_t kMostWords = 300;

Error failed(const std::string& attempted, const std::string& subject, ErrorKind kind, std::string reason,
             std::string advice) {
  return {kind, attempted, subject, std::move(reason), std::move(advice)};
}

/// Outside text in a message: one line, not too long.
std::string shown(std::string_view text) {
  std::string out(text.substr(0, kMostWords));
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return out;
}

ErrorKind kind_of_status(int status) {
  if (status == 429 || status >= 500) return ErrorKind::kUnavailable;
  return status == 401 || status == 403 ? ErrorKind::kForbidden : ErrorKind::kInvalidInput;
}

/// An address of these two never waits for long, and never goes through a proxy.
Result<Answer> ask_metadata(HttpConnections& connections, const std::string& method, const std::string& url,
                            const std::string& header) {
  HttpRequest request;
  request.method = method;
  request.url = url;
  request.headers = {header};
  request.most_bytes = kMostTokenBytes;
  request.connect_timeout = std::chrono::seconds(1);
  request.total_timeout = std::chrono::seconds(2);
  request.no_proxy = true;
  auto answer = connections.send(request);
  const std::string attempted = "ask the machine's metadata service";
  const std::string advice = "Give the machine a role, or take `metadata=yes` out of the store's URL and set keys.";
  if (!answer) return failed(attempted, url, answer.error().kind, answer.error().reason, advice);
  if (answer->status != 200) {
    return failed(attempted, url, kind_of_status(answer->status), "it answered " + std::to_string(answer->status),
                  advice);
  }
  return answer;
}

}  // namespace

Result<Keys> read_web_identity_answer(std::string_view xml) {
  pugi::xml_document document;
  const bool parsed = static_cast<bool>(document.load_buffer(
      xml.data(), xml.size(), pugi::parse_minimal | pugi::parse_escapes | pugi::parse_cdata, pugi::encoding_utf8));
  const pugi::xml_node credentials =
      document.child("AssumeRoleWithWebIdentityResponse").child("AssumeRoleWithWebIdentityResult").child("Credentials");
  const auto expires = parse_rfc3339(credentials.child_value("Expiration"));
  Keys keys{credentials.child_value("AccessKeyId"), credentials.child_value("SecretAccessKey"),
            credentials.child_value("SessionToken"), std::nullopt};
  if (!parsed || keys.access.empty() || keys.secret.empty() || keys.session_token.empty() || !expires) {
    return failed("ask STS for keys", "", ErrorKind::kCorrupt, "its answer holds no keys with an end",
                  "Check AWS_ENDPOINT_URL_STS and AWS_REGION.");
  }
  keys.expires = *expires;
  return keys;
}

Result<Keys> read_instance_metadata_answer(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const auto field = [&](const char* name) {
    const auto found = json.is_object() ? json.find(name) : json.end();
    return json.is_object() && found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  Keys keys{field("AccessKeyId"), field("SecretAccessKey"), field("Token"), std::nullopt};
  const auto expires = parse_rfc3339(field("Expiration"));
  if (keys.access.empty() || keys.secret.empty() || !expires) {
    return failed("ask the machine's metadata service", "", ErrorKind::kCorrupt, "its answer holds no keys with an end",
                  "Check the role of the machine.");
  }
  keys.expires = *expires;
  return keys;
}

Result<Keys> ask_web_identity(const S3CredentialSource& source) {
  // Kubernetes replaces the token before it ends: read each time.
  auto token = read_file(source.web_identity_token_file, kMostTokenBytes);
  if (!token) {
    return failed("read web identity token", source.web_identity_token_file, token.error().kind, token.error().reason,
                  "AWS_WEB_IDENTITY_TOKEN_FILE names it: mount the service account's token there.");
  }
  while (!token->empty() && static_cast<unsigned char>(token->back()) <= ' ') token->pop_back();
  const std::string session = source.role_session_name.empty() ? "logstone" : source.role_session_name;
  const std::string form =
      "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=" + percent_encode(source.role_arn, false) +
      "&RoleSessionName=" + percent_encode(session, false) + "&WebIdentityToken=" + percent_encode(*token, false);
  HttpConnections connections;
  HttpRequest request;
  request.method = "POST";
  request.url = source.sts_endpoint + '/';
  request.headers = {"content-type: application/x-www-form-urlencoded"};
  request.body = form;
  request.connect_timeout = std::chrono::seconds(5);
  request.total_timeout = std::chrono::seconds(15);
  request.ca_file = source.ca_file;
  auto answer = connections.send(request);
  const std::string attempted = "ask STS for keys of role";
  if (!answer)
    return failed(attempted, source.role_arn, answer.error().kind, answer.error().reason, answer.error().advice);
  if (answer->status != 200) {
    pugi::xml_document document;
    document.load_buffer(answer->body.data(), answer->body.size());
    const pugi::xml_node error = document.child("ErrorResponse").child("Error");
    return failed(attempted, source.role_arn, kind_of_status(answer->status),
                  "STS answered " + std::to_string(answer->status) + ' ' + shown(error.child_value("Code")) + " (" +
                      shown(error.child_value("Message")) + ')',
                  "Check that the role trusts this service account (AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE).");
  }
  return read_web_identity_answer(answer->body);
}

Result<Keys> ask_instance_metadata(const S3CredentialSource& source) {
  HttpConnections connections;
  const std::string base = source.metadata_endpoint + "/latest/";
  LOGSTONE_ASSIGN(const Answer token,
                  ask_metadata(connections, "PUT", base + "api/token", "x-aws-ec2-metadata-token-ttl-seconds: 300"));
  if (token.body.find_first_of("\r\n") != std::string::npos) {
    return failed("ask the machine's metadata service", base, ErrorKind::kCorrupt, "its token is none", "");
  }
  const std::string header = "x-aws-ec2-metadata-token: " + token.body;
  const std::string roles = base + "meta-data/iam/security-credentials/";
  LOGSTONE_ASSIGN(const Answer list, ask_metadata(connections, "GET", roles, header));
  const std::string role = list.body.substr(0, list.body.find('\n'));
  LOGSTONE_ASSIGN(const Answer answer, ask_metadata(connections, "GET", roles + percent_encode(role, false), header));
  return read_instance_metadata_answer(answer.body);
}

}  // namespace logstone::s3
