#include "serve/traffic.h"

#include <cmath>
#include <cstdio>
#include <set>

#include "serve/backend.h"

namespace logstone::http {
namespace {

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

/// Help text on one line.
std::string escape(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

void put(std::string& out, const std::string& name, const char* type, const std::string& help, double value) {
  out += "# HELP " + name + " " + escape(help) + "\n# TYPE " + name + " " + type + "\n" + name + " " + number(value) +
         "\n";
}

}  // namespace

void Traffic::count(const std::string& method, const std::string& route, int status) {
  const std::lock_guard lock(mutex_);
  ++requests_[{method, route, status}];
}

std::string Traffic::render(const std::vector<Metric>& program) const {
  std::string out =
      "# HELP logstone_http_requests_total Requests answered.\n# TYPE logstone_http_requests_total counter\n";
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [labels, count] : requests_) {
      const auto& [method, route, status] = labels;
      out += "logstone_http_requests_total{method=\"" + method + "\",route=\"" + route + "\",status=\"" +
             std::to_string(status) + "\"} " + std::to_string(count) + "\n";
    }
  }
  const auto value = [](const auto& atomic) { return static_cast<double>(atomic.load()); };
  put(out, "logstone_http_sent_bytes_total", "counter", "Bytes sent to clients.", value(sent_bytes));
  put(out, "logstone_http_connections_accepted_total", "counter", "Connections taken.", value(accepted_connections));
  put(out, "logstone_http_connections_refused_total", "counter", "Connections refused because there were too many.",
      value(refused_connections));
  put(out, "logstone_http_open_connections", "gauge", "Connections open now.", value(open_connections));
  put(out, "logstone_http_open_streams", "gauge", "Logs being sent now.", value(open_streams));
  std::set<std::string> described;
  for (const Metric& metric : program) {
    const std::string family = metric.name.substr(0, metric.name.find('{'));
    if (described.insert(family).second) {
      out += "# HELP " + family + " " + escape(metric.help) + "\n# TYPE " + family +
             (metric.counter ? " counter\n" : " gauge\n");
    }
    out += metric.name + " " + number(metric.value) + "\n";
  }
  return out;
}

}  // namespace logstone::http
