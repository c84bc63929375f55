#include "base/bytes.h"
#include "serve/assets.h"
#include "serve/encoding.h"
#include "serve/json_views.h"
#include "serve/routes.h"

namespace logstone::serve {
namespace {

using http::Call;
using http::Method;
using http::Response;

const char* content_type(std::string_view name) {
  const std::string_view ending = name.substr(std::min(name.size(), name.rfind('.')));
  if (ending == ".html") return "text/html; charset=utf-8";
  if (ending == ".css") return "text/css; charset=utf-8";
  if (ending == ".js") return "text/javascript; charset=utf-8";
  if (ending == ".svg") return "image/svg+xml";
  if (ending == ".yaml") return "application/yaml";
  return "application/octet-stream";
}

Result<Response> file(const Call& call, const std::string& name) {
  const EmbeddedFile* found = find_embedded_file(name);
  if (found == nullptr) {
    return Error{ErrorKind::kNotFound, "find", "file " + name.substr(0, 100), "the program has no such file", {}};
  }
  const std::string tag = "\"" + Digest::hex_of(found->bytes).substr(0, 16) + "\"";
  Response response;
  const std::string_view known = call.request.header("if-none-match");
  const bool current = known == "*" || known.find(tag) != std::string_view::npos;
  response.status = current ? 304 : 200;
  response.set("ETag", tag);
  response.set("Cache-Control", "no-cache");  // Kept, and asked for again each time: an update shows at once.
  if (current) return response;
  response.set("Content-Type", content_type(name));
  response.set("Content-Security-Policy",
               "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
               "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  response.set("Referrer-Policy", "no-referrer");
  response.body = found->bytes;
  http::encode_whole(response, http::choose_encoding(call.request.header("accept-encoding")));
  return response;
}

Result<Response> page(const Call& call) {
  if (find_embedded_file("index.html") != nullptr) return file(call, "index.html");
  return http::text_response(
      200, "Logstone " LOGSTONE_VERSION ". This build has no web page; the API is described at /openapi.yaml.\n");
}

}  // namespace

void add_service_routes(http::Router& router, Backend& backend, const http::Traffic& traffic) {
  router.add(Method::kGet, "/api/v1/version", {},
             [](const Call&) { return http::json_response(200, version_json(LOGSTONE_VERSION)); });
  router.add(Method::kGet, "/healthz", {}, [](const Call&) { return http::text_response(200, "ok\n"); });
  router.add(Method::kGet, "/readyz", {}, [&backend](const Call&) -> Result<Response> {
    if (const auto ready = backend.ready(); !ready) return http::problem_response(503, ready.error());
    return http::text_response(200, "ready\n");
  });
  router.add(Method::kGet, "/metrics", {}, [&backend, &traffic](const Call&) {
    Response response = http::text_response(200, traffic.render(backend.metrics()));
    response.headers.front().second = "text/plain; version=0.0.4; charset=utf-8";
    return response;
  });
  router.add(Method::kGet, "/openapi.yaml", {}, [](const Call& call) { return file(call, "openapi.yaml"); });
  router.add(Method::kGet, "/", {}, page);
  router.add(Method::kGet, "/ui", {}, page);
  router.add(Method::kGet, "/ui/{file}", {}, [](const Call& call) { return file(call, call.captures[0]); });
}

}  // namespace logstone::serve
