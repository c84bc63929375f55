#include "instance/settings.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>

#include "store/s3/s3_store.h"

namespace logstone {
namespace {

Error bad_value(const std::string& reason, const std::string& advice = {}) {
  return {ErrorKind::kInvalidInput, "read setting", "", reason, advice};
}

Result<std::uint64_t> parse_count(const std::string& text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    return bad_value("\"" + text + "\" is not a number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return value;
}

SettingDescription size_setting(std::string key, std::string help, std::uint64_t least, std::uint64_t most,
                                std::function<std::size_t&(Settings&)> at) {
  return {std::move(key), std::move(help),
          [=](Settings& s, const std::string& text) -> Result<> {
            LOGSTONE_ASSIGN(const std::uint64_t value, parse_size(text));
            if (value < least || value > most) {
              return bad_value("\"" + text + "\" is not a size from " + std::to_string(least) + " to " +
                               std::to_string(most) + " bytes");
            }
            at(s) = value;
            return {};
          },
          [=](const Settings& s) { return std::to_string(at(const_cast<Settings&>(s))); }};
}

SettingDescription count_setting(std::string key, std::string help, std::uint64_t least, std::uint64_t most,
                                 std::function<std::size_t&(Settings&)> at) {
  return {std::move(key), std::move(help),
          [=](Settings& s, const std::string& text) -> Result<> {
            LOGSTONE_ASSIGN(const std::uint64_t value, parse_count(text, least, most));
            at(s) = value;
            return {};
          },
          [=](const Settings& s) { return std::to_string(at(const_cast<Settings&>(s))); }};
}

SettingDescription duration_setting(std::string key, std::string help, Nanoseconds least, Nanoseconds most,
                                    std::function<Nanoseconds&(Settings&)> at) {
  return {std::move(key), std::move(help),
          [=](Settings& s, const std::string& text) -> Result<> {
            LOGSTONE_ASSIGN(const Nanoseconds value, parse_duration(text));
            if (value < least || value > most) {
              return bad_value("\"" + text + "\" is not a duration from " + format_duration(least) + " to " +
                               format_duration(most));
            }
            at(s) = value;
            return {};
          },
          [=](const Settings& s) { return format_duration(at(const_cast<Settings&>(s))); }};
}

Result<> set_listen(Settings& s, const std::string& text) {
  const std::size_t colon = text.rfind(':');
  const std::string advice = "write HOST:PORT, as in 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:8080";
  if (colon == std::string::npos) return bad_value("\"" + text + "\" names no port", advice);
  std::string host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  if (host.empty()) return bad_value("\"" + text + "\" names no address", advice);
  auto port = parse_count(text.substr(colon + 1), 0, 65535);
  if (!port) {
    Error error = std::move(port).error();
    error.advice = advice;
    return error;
  }
  s.server.host = host;
  s.server.port = static_cast<std::uint16_t>(*port);
  return {};
}

std::string get_listen(const Settings& s) {
  const bool v6 = s.server.host.find(':') != std::string::npos;
  return (v6 ? "[" + s.server.host + "]" : s.server.host) + ":" + std::to_string(s.server.port);
}

Result<> set_host_names(Settings& s, const std::string& text) {
  std::vector<std::string> names;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    std::string_view name = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (name.empty() || name.find_first_of(" /:@") != std::string_view::npos) {
      return bad_value("\"" + std::string(name) + "\" is not a host's name",
                       "write names without a port, with commas between them");
    }
    names.emplace_back(name);
  }
  s.server.host_names = std::move(names);
  return {};
}

std::string get_host_names(const Settings& s) {
  std::string text;
  for (const auto& name : s.server.host_names) text += (text.empty() ? "" : ",") + name;
  return text;
}

Result<> set_store(Settings& s, const std::string& text) {
  if (text.starts_with("s3://")) {
    // Only the form; what the environment adds is looked at when the store is opened.
    if (const auto parsed = parse_s3_url(text, {}); !parsed)
      return bad_value(parsed.error().reason, parsed.error().advice);
  } else if (!text.empty() && (!text.starts_with("file:///") || text.size() == 8)) {
    return bad_value("\"" + text.substr(0, text.find('@')) + "\" names no store",
                     "write s3://BUCKET/PREFIX, file:///FOLDER, or nothing for the data folder (docs/s3.md)");
  }
  s.store = text;
  return {};
}

/// One a line, or with commas between where there is one line; commas within a tag are the tag's.
Result<> set_key_formats(Settings& s, const std::string& text) {
  std::vector<std::string> formats;
  const bool lines = text.find('\n') != std::string::npos;
  std::string one;
  int inside = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (text.compare(i, 2, "{{") == 0) ++inside;
    if (text.compare(i, 2, "}}") == 0 && inside > 0) --inside;
    if (i < text.size() && !(text[i] == '\n' || (!lines && inside == 0 && text[i] == ','))) {
      one += text[i];
      continue;
    }
    if (one.find_first_not_of(" \t\r") != std::string::npos) {
      auto format = KeyFormat::parse(one);
      if (!format) return bad_value(format.error().subject + ": " + format.error().reason, format.error().advice);
      formats.push_back(format->text());
    }
    one.clear();
  }
  s.argo.key_formats = std::move(formats);
  return {};
}

std::string get_key_formats(const Settings& s) {
  const auto& formats = s.argo.key_formats;
  const bool commas = std::any_of(formats.begin(), formats.end(),
                                  [](const std::string& f) { return f.find(',') != std::string::npos; });
  std::string text;
  for (const auto& format : formats) text += (text.empty() ? "" : commas ? "\n" : ",") + format;
  if (commas && formats.size() == 1) text += '\n';
  return text;
}

Result<> set_argo_store(Settings& s, const std::string& text) {
  if (!text.empty()) {
    if (auto checked = check_argo_store(text); !checked)
      return bad_value(checked.error().reason, checked.error().advice);
  }
  s.argo.store = text;
  return {};
}

SettingDescription text_setting(std::string key, std::string help, std::function<std::string&(Settings&)> at,
                                bool secret = false) {
  return {std::move(key), std::move(help),
          [=](Settings& s, const std::string& text) -> Result<> {
            at(s) = text;
            return {};
          },
          [=](const Settings& s) { return at(const_cast<Settings&>(s)); }, secret};
}

/// What of the environment says where S3 is and who asks.
bool is_for_stores(const std::string& name) {
  return name.starts_with("AWS_") || name == "HOME" || name == "DISABLE_GKE_METADATA";
}

constexpr std::pair<const char*, LogLevel> kLevels[] = {{"debug", LogLevel::kDebug},
                                                        {"info", LogLevel::kInfo},
                                                        {"warning", LogLevel::kWarning},
                                                        {"error", LogLevel::kError}};

Result<> set_log_level(Settings& s, const std::string& text) {
  for (const auto& [name, level] : kLevels) {
    if (text == name) {
      s.log_level = level;
      return {};
    }
  }
  return bad_value("\"" + text + "\" is not one of debug, info, warning, error");
}

std::string get_log_level(const Settings& s) {
  for (const auto& [name, level] : kLevels) {
    if (level == s.log_level) return name;
  }
  return {};
}

std::vector<SettingDescription> make_descriptions() {
  using namespace std::chrono_literals;
  constexpr std::uint64_t kKiB = 1024, kMiB = kKiB * 1024, kGiB = kMiB * 1024;
  return {
      {"data", "folder of the archive, the catalogue and the embedded engine",
       [](Settings& s, const std::string& text) -> Result<> {
         if (text.empty()) return bad_value("a folder's name is empty");
         s.data = text;
         return {};
       },
       [](const Settings& s) { return s.data; }},
      {"store", "where the archive is: s3://BUCKET/PREFIX, file:///FOLDER, or in the data folder when empty", set_store,
       [](const Settings& s) { return s.store; }},
      {"listen", "HOST:PORT of the server; only this machine can reach it unless another address is given", set_listen,
       get_listen},
      {"host_names", "on loopback: further names, with commas, by which browsers may reach the server", set_host_names,
       get_host_names},
      {"log_level", "debug, info, warning or error", set_log_level, get_log_level},
      {"retention_policy", "file with retention rules; without one everything is kept forever",
       [](Settings& s, const std::string& text) -> Result<> {
         s.retention_policy = text;
         return {};
       },
       [](const Settings& s) { return s.retention_policy; }},
      size_setting("segment_bytes", "raw bytes of a log after which a segment is closed", 64 * kKiB, kGiB,
                   [](Settings& s) -> std::size_t& { return s.agent.segment_bytes; }),
      duration_setting("segment_age", "age after which captured bytes become durable", 100ms, 1h,
                       [](Settings& s) -> Nanoseconds& { return s.agent.segment_age; }),
      size_setting("block_bytes", "raw bytes of a compressed block", 4 * kKiB, 16 * kMiB,
                   [](Settings& s) -> std::size_t& { return s.agent.segment.block_bytes; }),
      {"compression_level", "zstd level, 1 to 19",
       [](Settings& s, const std::string& text) -> Result<> {
         LOGSTONE_ASSIGN(const std::uint64_t value, parse_count(text, 1, 19));
         s.agent.segment.compression_level = static_cast<int>(value);
         return {};
       },
       [](const Settings& s) { return std::to_string(s.agent.segment.compression_level); }},
      count_setting("capture_threads", "threads that read logs", 1, 64,
                    [](Settings& s) -> std::size_t& { return s.agent.capture_threads; }),
      duration_setting("expiry_interval", "how often expired archives are looked for", 100ms, 24h,
                       [](Settings& s) -> Nanoseconds& { return s.agent.expiry_interval; }),
      size_setting("cache_bytes", "memory for recently read blocks", kMiB, 64 * kGiB,
                   [](Settings& s) -> std::size_t& { return s.cache_bytes; }),
      duration_setting("idle_timeout", "after which a silent connection, or a reader that takes nothing, is closed", 1s,
                       24h, [](Settings& s) -> Nanoseconds& { return s.server.idle_timeout; }),
      count_setting("max_connections", "connections at once", 1, 1'000'000,
                    [](Settings& s) -> std::size_t& { return s.server.max_connections; }),
      count_setting("server_threads", "threads that serve", 1, 64,
                    [](Settings& s) -> std::size_t& { return s.server.threads; }),
      size_setting("log_file_bytes", "embedded engine: size at which a container's log file is rotated", 4 * kKiB, kGiB,
                   [](Settings& s) -> std::size_t& { return s.log_file_bytes; }),
      count_setting("log_files", "embedded engine: files kept of a container's log", 2, 1000,
                    [](Settings& s) -> std::size_t& { return s.log_files; }),
      count_setting("parallel_pods", "embedded engine: pods that run at once", 1, 10'000,
                    [](Settings& s) -> std::size_t& { return s.parallel_pods; }),
      {"argo_store", "s3://BUCKET where Argo archived logs; none: they are not looked for", set_argo_store,
       [](const Settings& s) { return s.argo.store; }},
      text_setting(
          "argo_access_key", "its access key, where argo_store's URL and the environment give none",
          [](Settings& s) -> std::string& { return s.argo.access_key; }, true),
      text_setting(
          "argo_secret_key", "its secret key", [](Settings& s) -> std::string& { return s.argo.secret_key; }, true),
      {"key_formats", "Argo's key formats, tried in their order in argo_store; with commas between them",
       set_key_formats, get_key_formats},
      {"publish",
       "\"argo\": logs are also written where an unmodified KFP or Argo UI looks, by the first of key_formats",
       [](Settings& s, const std::string& text) -> Result<> {
         if (!text.empty() && text != "argo") return bad_value("\"" + text + "\" is neither \"argo\" nor empty");
         s.publish_to_argo = !text.empty();
         return {};
       },
       [](const Settings& s) { return std::string(s.publish_to_argo ? "argo" : ""); }},
      duration_setting("publish_deadline", "after which a workflow is released though its logs could not be published",
                       1s, 30 * 24h, [](Settings& s) -> Nanoseconds& { return s.agent.publish_deadline; }),
      text_setting("argo_config", "folder with Argo's ConfigMaps and Secrets, NAMESPACE/configmaps/NAME/KEY",
                   [](Settings& s) -> std::string& { return s.argo.config; }),
      text_setting("argo_namespace", "namespace of Argo's controller, and of requests that name none",
                   [](Settings& s) -> std::string& { return s.argo.name_space; }),
      {"log_container", "container whose log is meant where none is named",
       [](Settings& s, const std::string& text) -> Result<> {
         if (text.empty()) return bad_value("a container's name is empty");
         s.argo.log_container = text;
         return {};
       },
       [](const Settings& s) { return s.argo.log_container; }},
      count_setting("argo_listed_keys", "keys that may be listed to find one log whose key is not wholly known", 1,
                    1'000'000, [](Settings& s) -> std::size_t& { return s.argo.most_listed; }),
      size_setting("argo_unpacked_bytes", "size to which a packed log of Argo's may unpack", kMiB, 1024 * kGiB,
                   [](Settings& s) -> std::size_t& { return s.argo.unpacked_bytes; }),
      {"enable_authz", "KFP's ENABLE_AUTHZ: until users can be told apart, the server stays on this machine",
       [](Settings& s, const std::string& text) -> Result<> {
         if (text != "true" && text != "false") return bad_value("\"" + text + "\" is neither true nor false");
         s.enable_authz = text == "true";
         return {};
       },
       [](const Settings& s) { return s.enable_authz ? "true" : "false"; }},
  };
}

const SettingDescription* find_setting(const std::string& key) {
  for (const auto& description : setting_descriptions()) {
    if (description.key == key) return &description;
  }
  return nullptr;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string environment_name(const std::string& key) {
  std::string name = "LOGSTONE_" + key;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
  return name;
}

/// "did you mean x?" where a known key is near.
std::string suggestion(const std::string& key) {
  std::string best;
  std::size_t least = 4;
  for (const auto& description : setting_descriptions()) {
    const std::size_t distance = edit_distance(key, description.key);
    if (distance < least) {
      least = distance;
      best = description.key;
    }
  }
  return best.empty() ? "`logstone config check` lists the settings" : "did you mean \"" + best + "\"?";
}

Result<> apply(LoadedSettings& loaded, const std::string& key, const std::string& value, const std::string& source,
               const std::string& written_as) {
  const SettingDescription* description = find_setting(key);
  if (description == nullptr) {
    return Error{ErrorKind::kInvalidInput, "read setting", source, "unknown setting \"" + written_as + "\"",
                 suggestion(key)};
  }
  if (auto set = description->set(loaded.settings, value); !set) {
    Error error = std::move(set).error();
    return Error{ErrorKind::kInvalidInput, "read setting \"" + key + "\"", source, error.reason, error.advice};
  }
  for (auto& effective : loaded.effective) {
    if (effective.key == key) effective.source = source;
  }
  return {};
}

Result<> apply_file(LoadedSettings& loaded, std::string_view text, const std::string& name) {
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    if (root.IsNull()) return {};
    if (!root.IsMap()) {
      return Error{ErrorKind::kInvalidInput, "read settings", name, "it is not a map of settings",
                   "write lines such as \"listen: 127.0.0.1:8080\""};
    }
    std::map<std::string, int> seen;
    for (const auto& entry : root) {
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
      const std::string place = name + ":" + std::to_string(entry.first.Mark().line + 1);
      if (!seen.emplace(key, 1).second) {
        return Error{ErrorKind::kInvalidInput, "read settings", place, "\"" + key + "\" is given twice", ""};
      }
      if (key == "key_formats" && entry.second.IsSequence()) {
        std::string lines;
        for (const auto& item : entry.second) {
          if (!item.IsScalar()) {
            return Error{ErrorKind::kInvalidInput, "read setting \"key_formats\"", place, "an item is no text", ""};
          }
          std::string line = item.Scalar();
          std::replace(line.begin(), line.end(), '\n', ' ');
          lines += line + "\n";
        }
        LOGSTONE_TRY(apply(loaded, key, lines, place, key));
        continue;
      }
      if (find_setting(key) != nullptr && !entry.second.IsScalar()) {
        return Error{ErrorKind::kInvalidInput, "read setting \"" + key + "\"", place, "its value is not a single value",
                     ""};
      }
      LOGSTONE_TRY(apply(loaded, key, entry.second.IsScalar() ? entry.second.Scalar() : "", place, key));
    }
    return {};
  } catch (const YAML::Exception& error) {
    return Error{ErrorKind::kInvalidInput, "read settings", name + ":" + std::to_string(error.mark.line + 1), error.msg,
                 ""};
  }
}

}  // namespace

const std::vector<SettingDescription>& setting_descriptions() {
  static const std::vector<SettingDescription> descriptions = make_descriptions();
  return descriptions;
}

Result<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  std::string lower(unit);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  static const std::map<std::string, std::uint64_t> units = {{"", 1},
                                                             {"b", 1},
                                                             {"k", 1024},
                                                             {"kib", 1024},
                                                             {"kb", 1000},
                                                             {"m", 1024 * 1024},
                                                             {"mib", 1024 * 1024},
                                                             {"mb", 1'000'000},
                                                             {"g", 1ULL << 30},
                                                             {"gib", 1ULL << 30},
                                                             {"gb", 1'000'000'000}};
  const auto factor = units.find(lower);
  if (error != std::errc() || factor == units.end() ||
      value > std::numeric_limits<std::uint64_t>::max() / factor->second) {
    return bad_value("\"" + std::string(text) + "\" is not a size", "write bytes, or a number with KiB, MiB or GiB");
  }
  return value * factor->second;
}

Result<LoadedSettings> load_settings(std::string_view file_text, const std::string& file_name,
                                     const std::map<std::string, std::string>& environment,
                                     const std::map<std::string, std::string>& flags) {
  LoadedSettings loaded;
  for (const auto& description : setting_descriptions()) loaded.effective.push_back({description.key, "", "default"});
  loaded.settings.argo.key_formats = usual_key_formats();
  LOGSTONE_ASSIGN(loaded.kfp, read_kfp_environment(environment));
  for (const KfpSetting& setting : loaded.kfp.settings) {
    LOGSTONE_TRY(apply(loaded, setting.key, setting.value, setting.source, setting.key));
  }
  LOGSTONE_TRY(apply_file(loaded, file_text, file_name));
  for (const auto& [name, value] : environment) {
    if (is_for_stores(name)) loaded.settings.environment[name] = value;
    if (!name.starts_with("LOGSTONE_")) continue;
    // These choose where to look and are no settings.
    if (name == "LOGSTONE_CONFIG" || name == "LOGSTONE_SERVER") continue;
    std::string key = name.substr(9);
    std::transform(key.begin(), key.end(), key.begin(), [](unsigned char c) { return std::tolower(c); });
    LOGSTONE_TRY(apply(loaded, key, value, environment_name(key), name));
  }
  for (const auto& [key, value] : flags) {
    std::string flag = "--" + key;
    std::replace(flag.begin(), flag.end(), '_', '-');
    LOGSTONE_TRY(apply(loaded, key, value, flag, flag));
  }
  const auto source_of = [&](const std::string& key) {
    const auto one = std::find_if(loaded.effective.begin(), loaded.effective.end(),
                                  [&](const EffectiveSetting& e) { return e.key == key; });
    return one == loaded.effective.end() ? std::string() : one->source;
  };
  const auto from_kfp = [&](const std::string& key) {
    return std::any_of(loaded.kfp.settings.begin(), loaded.kfp.settings.end(), [&](const KfpSetting& setting) {
      return setting.key == key && setting.source == source_of(key);
    });
  };
  // KFP's keys are for KFP's store: another one must not see them used.
  for (const char* key : {"argo_access_key", "argo_secret_key"}) {
    if (from_kfp(key) && !from_kfp("argo_store")) LOGSTONE_TRY(apply(loaded, key, "", "default", key));
  }
  for (auto& effective : loaded.effective) {
    const SettingDescription* description = find_setting(effective.key);
    effective.value = description->get(loaded.settings);
    if (description->secret && !effective.value.empty()) effective.value = "(set)";
  }
  return loaded;
}

}  // namespace logstone
