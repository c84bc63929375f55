#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/file.h"
#include "store/s3/s3_caller.h"
#include "store/s3/s3_store.h"

namespace logstone {
namespace {

constexpr std::size_t kMostCredentialBytes = 1 << 20;

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
  static const char* const kNames[] = {"endpoint", "region",      "addressing", "listing", "ca",
                                       "profile",  "credentials", "secret",     "etag"};
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

std::string trimmed(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  return std::string(text);
}

Result<s3::Keys> read_secret_folder(const std::filesystem::path& folder) {
  s3::Keys keys;
  LOGSTONE_ASSIGN(keys.access, read_file(folder / "accesskey", kMostCredentialBytes));
  LOGSTONE_ASSIGN(keys.secret, read_file(folder / "secretkey", kMostCredentialBytes));
  std::error_code missing;
  if (std::filesystem::exists(folder / "sessiontoken", missing)) {
    LOGSTONE_ASSIGN(keys.session_token, read_file(folder / "sessiontoken", kMostCredentialBytes));
  }
  keys = {trimmed(keys.access), trimmed(keys.secret), trimmed(keys.session_token)};
  return keys;
}

/// The AWS tools' file: "[profile]" lines, then "name = value" ones.
Result<s3::Keys> read_credentials_file(const std::string& path, const std::string& profile) {
  LOGSTONE_ASSIGN(const std::string text, read_file(path, kMostCredentialBytes));
  s3::Keys keys;
  bool ours = false;
  bool found = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = trimmed(std::string_view(text).substr(at, end - at));
    at = end + 1;
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      ours = trimmed(std::string_view(line).substr(1, line.find(']') - 1)) == profile;
      found = found || ours;
      continue;
    }
    const std::size_t equals = line.find('=');
    if (!ours || equals == std::string::npos) continue;
    const std::string name = trimmed(std::string_view(line).substr(0, equals));
    const std::string value = trimmed(std::string_view(line).substr(equals + 1));
    if (name == "aws_access_key_id") keys.access = value;
    if (name == "aws_secret_access_key") keys.secret = value;
    if (name == "aws_session_token") keys.session_token = value;
  }
  if (!found) {
    return Error{ErrorKind::kInvalidInput, "read credentials", path, "it has no profile [" + profile + "]",
                 "Add it, or name another with `profile=` or AWS_PROFILE."};
  }
  return keys;
}

}  // namespace

namespace s3 {

Result<Keys> read_keys(const S3CredentialSource& source) {
  Keys keys{source.access_key, source.secret_key, source.session_token};
  std::string place = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
  if (!source.secret_folder.empty()) {
    place = source.secret_folder;
    LOGSTONE_ASSIGN(keys, read_secret_folder(source.secret_folder));
  } else if (source.access_key.empty() && !source.credentials_file.empty()) {
    place = source.credentials_file + " [" + source.profile + ']';
    auto read = read_credentials_file(source.credentials_file, source.profile);
    if (!read && read.error().kind == ErrorKind::kNotFound) {
      return Error{
          ErrorKind::kInvalidInput, "read credentials of the S3 store", source.credentials_file,
          "there is no such file, and AWS_ACCESS_KEY_ID is not set",
          "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, write the file, or mount a Secret (`secret=FOLDER`)."};
    }
    if (!read) return std::move(read).error();
    keys = *std::move(read);
  }
  if (keys.access.empty() || keys.secret.empty()) {
    return Error{ErrorKind::kInvalidInput, "read credentials of the S3 store", place,
                 keys.access.empty() ? "there is no access key" : "there is no secret key",
                 "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file (`credentials=`, `profile=`) or a "
                 "mounted Secret (`secret=`)."};
  }
  for (const std::string* text : {&keys.access, &keys.secret, &keys.session_token}) {
    if (std::any_of(text->begin(), text->end(), [](char c) { return c <= 0x20 || c >= 0x7f; })) {
      return Error{ErrorKind::kInvalidInput, "read credentials of the S3 store", place,
                   "a key has a blank or another character that keys do not have",
                   "Check for what was copied with it."};
    }
  }
  return keys;
}

}  // namespace s3

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
  if (settings.endpoint.empty()) settings.endpoint = "https://s3." + settings.region + ".amazonaws.com";
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

  // What the URL names goes before what the environment happens to hold.
  S3CredentialSource& credentials = settings.credentials;
  credentials.secret_folder = parameter("secret");
  credentials.credentials_file = parameter("credentials");
  credentials.profile = parameter("profile");
  if (credentials.secret_folder.empty() && credentials.credentials_file.empty() && credentials.profile.empty()) {
    credentials.access_key = value_of(environment, {"AWS_ACCESS_KEY_ID"});
    credentials.secret_key = value_of(environment, {"AWS_SECRET_ACCESS_KEY"});
    credentials.session_token = value_of(environment, {"AWS_SESSION_TOKEN"});
  }
  if (credentials.credentials_file.empty()) {
    credentials.credentials_file = value_of(environment, {"AWS_SHARED_CREDENTIALS_FILE"});
  }
  if (credentials.credentials_file.empty() && !value_of(environment, {"HOME"}).empty()) {
    credentials.credentials_file = value_of(environment, {"HOME"}) + "/.aws/credentials";
  }
  if (credentials.profile.empty()) credentials.profile = value_of(environment, {"AWS_PROFILE"});
  if (credentials.profile.empty()) credentials.profile = "default";
  return settings;
}

}  // namespace logstone
