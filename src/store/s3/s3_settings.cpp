#include <algorithm>
#include <cctype>
#include <optional>

#include "base/time.h"
#include "store/s3/s3_store.h"

namespace logstone {
namespace {

Error bad_url(const std::string& url, std::string reason) {
  // A person may have put keys before the host: they do not go into messages.
  const std::size_t at = url.find('@');
  const std::string shown = at == std::string::npos ? url : "s3://..." + url.substr(at);
  return {ErrorKind::kInvalidInput, "read store URL", shown, std::move(reason),
          "Write s3://BUCKET/PREFIX?endpoint=http://HOST:PORT&region=R; docs/s3.md lists all."};
}

std::string value_of(const std::map<std::string, std::string>& environment, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto found = environment.find(name);
    if (found != environment.end() && !found->second.empty()) return found->second;
  }
  return {};
}

/// Where AWS has its services of a region.
std::string aws_domain(const std::string& region) {
  return region + (region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com");
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Nothing where a '%' has no two digits after it.
std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

bool is_bucket_name(std::string_view name) {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return name.size() >= 3 && name.size() <= 63 && alphanumeric(name.front()) && alphanumeric(name.back()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return alphanumeric(c) || c == '-' || c == '.'; });
}

bool is_endpoint(std::string_view text) {
  const std::size_t scheme = text.starts_with("http://") ? 7 : text.starts_with("https://") ? 8 : 0;
  return scheme > 0 && text.size() > scheme && text.find_first_of("/@?# ", scheme) == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool is_region(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

/// The parameters after the '?'; kInvalidInput (as `reason` only) for one that is unknown or given twice.
Result<std::map<std::string, std::string>> read_parameters(const std::string& url, std::string_view query) {
  static const char* const kNames[] = {"endpoint",    "region", "addressing", "listing",  "ca",     "profile",
                                       "credentials", "secret", "etag",       "metadata", "timeout"};
  std::map<std::string, std::string> parameters;
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(one.size() + 1, query.size()));
    const std::size_t equals = one.find('=');
    const std::string name(one.substr(0, equals));
    if (std::find(std::begin(kNames), std::end(kNames), name) == std::end(kNames)) {
      return bad_url(url, "unknown parameter \"" + name + '"');
    }
    const auto value = equals == std::string_view::npos ? std::nullopt : percent_decode(one.substr(equals + 1));
    if (!value || value->empty()) return bad_url(url, "the parameter \"" + name + "\" has no value that can be used");
    if (!parameters.emplace(name, *value).second) {
      return bad_url(url, "the parameter \"" + name + "\" is given twice");
    }
  }
  return parameters;
}

bool is_true(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text == "true" || text == "1" || text == "yes";
}

/// What the URL names goes before what the environment happens to hold.
void choose_credentials(const std::map<std::string, std::string>& parameters,
                        const std::map<std::string, std::string>& environment, S3Settings& settings) {
  const auto parameter = [&](const char* name) { return value_of(parameters, {name}); };
  S3CredentialSource& credentials = settings.credentials;
  credentials.ca_file = settings.ca_file;
  credentials.secret_folder = parameter("secret");
  credentials.credentials_file = parameter("credentials");
  credentials.profile = parameter("profile");
  if (credentials.secret_folder.empty() && credentials.credentials_file.empty() && credentials.profile.empty()) {
    credentials.access_key = value_of(environment, {"AWS_ACCESS_KEY_ID"});
    credentials.secret_key = value_of(environment, {"AWS_SECRET_ACCESS_KEY"});
    credentials.session_token = value_of(environment, {"AWS_SESSION_TOKEN"});
    credentials.web_identity_token_file = value_of(environment, {"AWS_WEB_IDENTITY_TOKEN_FILE"});
    credentials.role_arn = value_of(environment, {"AWS_ROLE_ARN"});
    credentials.role_session_name = value_of(environment, {"AWS_ROLE_SESSION_NAME"});
    credentials.sts_endpoint = value_of(environment, {"AWS_ENDPOINT_URL_STS"});
    if (credentials.sts_endpoint.empty()) credentials.sts_endpoint = "https://sts." + aws_domain(settings.region);
    credentials.instance_metadata = is_true(parameter("metadata"));
    credentials.metadata_endpoint = value_of(environment, {"AWS_EC2_METADATA_SERVICE_ENDPOINT"});
    if (credentials.metadata_endpoint.empty()) credentials.metadata_endpoint = "http://169.254.169.254";
    for (const char* name : {"AWS_EC2_METADATA_DISABLED", "DISABLE_GKE_METADATA"}) {
      if (is_true(value_of(environment, {name}))) credentials.metadata_forbidden_by = name;
    }
  }
  if (credentials.credentials_file.empty()) {
    credentials.credentials_file = value_of(environment, {"AWS_SHARED_CREDENTIALS_FILE"});
  }
  if (credentials.credentials_file.empty() && !value_of(environment, {"HOME"}).empty()) {
    credentials.credentials_file = value_of(environment, {"HOME"}) + "/.aws/credentials";
  }
  if (credentials.profile.empty()) credentials.profile = value_of(environment, {"AWS_PROFILE"});
  if (credentials.profile.empty()) credentials.profile = "default";
}

}  // namespace

Result<S3Settings> parse_s3_url(const std::string& url, const std::map<std::string, std::string>& environment) {
  constexpr std::string_view kScheme = "s3://";
  if (!url.starts_with(kScheme)) return bad_url(url, "it does not begin with s3://");
  const std::string_view all = std::string_view(url).substr(kScheme.size());
  const std::string_view place = all.substr(0, all.find('?'));
  const std::string_view query = place.size() == all.size() ? std::string_view() : all.substr(place.size() + 1);
  if (place.substr(0, place.find('/')).find('@') != std::string_view::npos) {
    return bad_url(url, "keys do not belong into a URL");
  }
  LOGSTONE_ASSIGN(const auto parameters, read_parameters(url, query));
  const auto parameter = [&](const char* name) {
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::string() : found->second;
  };

  S3Settings settings;
  settings.bucket = place.substr(0, place.find('/'));
  if (!is_bucket_name(settings.bucket)) {
    return bad_url(url, "a bucket's name has 3 to 63 of a-z, 0-9, '-' and '.'");
  }
  settings.prefix = place.substr(std::min(settings.bucket.size() + 1, place.size()));
  if (settings.prefix.ends_with('/')) settings.prefix.pop_back();
  if (!settings.prefix.empty()) {
    if (const auto good = check_key(settings.prefix); !good) return bad_url(url, "its prefix: " + good.error().reason);
  }

  settings.region = parameter("region");
  if (settings.region.empty()) settings.region = value_of(environment, {"AWS_REGION", "AWS_DEFAULT_REGION"});
  if (settings.region.empty()) settings.region = "us-east-1";
  if (!is_region(settings.region)) return bad_url(url, '"' + settings.region + "\" is no region");

  settings.endpoint = parameter("endpoint");
  if (settings.endpoint.empty()) settings.endpoint = value_of(environment, {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
  if (settings.endpoint.empty()) settings.endpoint = "https://s3." + aws_domain(settings.region);
  while (settings.endpoint.ends_with('/')) settings.endpoint.pop_back();
  if (!is_endpoint(settings.endpoint)) {
    return bad_url(url,
                   '"' + settings.endpoint + "\" is no endpoint: http:// or https://, a host, and a port if need be");
  }
  const bool aws = settings.endpoint.ends_with(".amazonaws.com") || settings.endpoint.ends_with(".amazonaws.com.cn");

  // A certificate for *.s3.amazonaws.com does not fit a bucket with dots.
  const bool dots = settings.bucket.find('.') != std::string::npos;
  std::string addressing = parameter("addressing");
  if (addressing.empty()) addressing = aws && !dots ? "host" : "path";
  if (addressing != "host" && addressing != "path") return bad_url(url, "addressing is \"path\" or \"host\"");
  settings.addressing = addressing == "host" ? S3Settings::Addressing::kVirtualHost : S3Settings::Addressing::kPath;
  std::string listing = parameter("listing");
  if (listing.empty()) listing = aws ? "flat" : "folders";
  if (listing != "flat" && listing != "folders") return bad_url(url, "listing is \"flat\" or \"folders\"");
  settings.listing = listing == "flat" ? S3Settings::Listing::kFlat : S3Settings::Listing::kFolders;
  const std::string etag = parameter("etag");
  if (!etag.empty() && etag != "md5" && etag != "opaque") return bad_url(url, "etag is \"md5\" or \"opaque\"");
  settings.etags_are_md5 = etag != "opaque";
  settings.ca_file = parameter("ca");
  if (settings.ca_file.empty()) settings.ca_file = value_of(environment, {"AWS_CA_BUNDLE"});

  if (const std::string metadata = parameter("metadata"); !metadata.empty() && metadata != "yes" && metadata != "no") {
    return bad_url(url, "metadata is \"yes\" or \"no\"");
  }
  if (const std::string timeout = parameter("timeout"); !timeout.empty()) {
    const auto duration = parse_duration(timeout);
    if (!duration || *duration < std::chrono::seconds(1) || *duration > std::chrono::minutes(10)) {
      return bad_url(url, "timeout is a duration from 1s to 10m");
    }
    settings.stall_timeout = std::chrono::floor<std::chrono::seconds>(*duration);
    settings.connect_timeout = std::min(settings.connect_timeout, std::chrono::milliseconds(settings.stall_timeout));
    settings.deadline = settings.stall_timeout + settings.longest_backoff;
  }
  choose_credentials(parameters, environment, settings);
  return settings;
}

}  // namespace logstone
