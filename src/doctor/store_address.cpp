#include "doctor/store_address.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace logstone::doctor {
namespace {

/// What a Service's port leads to, as comparable text; empty where there is no such Service.
std::string service_target(const StoreAddress& address, const Deployment& deployment) {
  const std::string name = address.host.substr(0, address.host.find('.'));
  const std::string name_space =
      address.host.find('.') == std::string::npos ? "" : address.host.substr(address.host.find('.') + 1);
  for (const Resource& resource : deployment.resources) {
    if (resource.kind() != "Service" || !resource.has_name(name) ||
        !may_be_same_namespace(resource.name_space(), name_space)) {
      continue;
    }
    const Node* selector = resource.root.at({"spec", "selector"});
    const Node* ports = resource.root.at({"spec", "ports"});
    if (selector == nullptr || ports == nullptr) continue;
    std::set<std::string> labels;
    for (const NodeEntry& entry : selector->entries) labels.insert(entry.key + '=' + entry.value.text);
    std::string text = resource.name_space();
    for (const std::string& label : labels) text += '\n' + label;
    for (const Node& port : ports->items) {
      if (port.text_at({"port"}) != std::to_string(address.port)) continue;
      const std::string target = port.text_at({"targetPort"});
      return text + '\n' + (target.empty() ? port.text_at({"port"}) : target);
    }
  }
  return "";
}

}  // namespace

StoreAddress parse_store_address(std::string_view text, bool tls, const std::string& name_space) {
  StoreAddress address;
  if (text.starts_with("https://")) tls = true;
  if (text.starts_with("http://")) tls = false;
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) text.remove_prefix(scheme + 3);
  text = text.substr(0, text.find('/'));
  address.port = tls ? 443 : 80;
  if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    const std::string_view digits = text.substr(colon + 1);
    int port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error == std::errc() && end == digits.data() + digits.size()) {
      address.port = port;
      text = text.substr(0, colon);
    }
  }
  address.host = std::string(text);
  std::transform(address.host.begin(), address.host.end(), address.host.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
  });
  for (const std::string_view suffix : {".svc.cluster.local", ".svc"}) {
    if (address.host.ends_with(suffix)) address.host.resize(address.host.size() - suffix.size());
  }
  if (address.host.find('.') == std::string::npos && !address.host.empty() && !name_space.empty()) {
    address.host += '.' + name_space;
  }
  return address;
}

bool is_same_store(const StoreAddress& a, const StoreAddress& b, const Deployment& deployment) {
  if (a.host == b.host && a.port == b.port) return true;
  const std::string target = service_target(a, deployment);
  return !target.empty() && target == service_target(b, deployment);
}

}  // namespace logstone::doctor
