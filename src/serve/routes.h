// The rules of the server's paths, by subject.
#pragma once

#include "serve/backend.h"
#include "serve/log_body.h"
#include "serve/router.h"
#include "serve/traffic.h"

namespace logstone::serve {

/// `/api/v1/...`: workflows, logs, retention, audit. The backend outlives the router.
void add_native_routes(http::Router& router, Backend& backend);
/// `/k8s/pod...`: what the Kubeflow Pipelines UI asks of its server.
void add_kfp_routes(http::Router& router, Backend& backend);
/// `/api/v1/adoptions`: takes what Argo archived.
void add_adoption_routes(http::Router& router, Backend& backend);
/// `/api/v1/pods/{pod}/log`: a log by its pod's name, wherever it is.
void add_pod_routes(http::Router& router, Backend& backend);
/// Health, metrics, the API's description and the web page.
void add_service_routes(http::Router& router, Backend& backend, const http::Traffic& traffic);

/// A log, or the selected part of it, as the answer to a request: range, encoding and headers included.
[[nodiscard]] Result<http::Response> answer_log(const http::Request& request, std::shared_ptr<LogView> log,
                                                const LogSelection& selection);

/// The same for a log that was found, with its place.
[[nodiscard]] Result<http::Response> answer_found(const http::Request& request, FoundLog found,
                                                  const LogSelection& selection);
/// A day, YYYY-MM-DD or a whole RFC 3339 time; none when the parameter is absent or empty.
[[nodiscard]] Result<std::optional<std::chrono::year_month_day>> read_day(const http::Query& query,
                                                                          std::string_view name);

}  // namespace logstone::serve
