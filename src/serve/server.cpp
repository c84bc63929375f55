#include "serve/server.h"

#include "serve/http_server.h"
#include "serve/router.h"
#include "serve/routes.h"
#include "serve/traffic.h"

namespace logstone {
namespace {

class LogstoneServer final : public Server {
 public:
  explicit LogstoneServer(Backend& backend) {
    serve::add_native_routes(router_, backend);
    serve::add_pod_routes(router_, backend);
    serve::add_kfp_routes(router_, backend);
    serve::add_adoption_routes(router_, backend);
    serve::add_service_routes(router_, backend, traffic_);
  }
  ~LogstoneServer() override { stop(); }

  Result<> listen(const ServerSettings& settings) {
    const auto answer = [this](const http::Request& request) { return router_.answer(request); };
    LOGSTONE_ASSIGN(http_, http::HttpServer::start(settings, answer, traffic_));
    return {};
  }
  std::uint16_t port() const override { return http_->port(); }
  void stop() override {
    if (http_) http_->stop();
  }

 private:
  http::Traffic traffic_;
  http::Router router_;
  std::unique_ptr<http::HttpServer> http_;  // Last: its threads use the others.
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(Backend& backend, ServerSettings settings) {
  auto server = std::make_unique<LogstoneServer>(backend);
  LOGSTONE_TRY(server->listen(settings));
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace logstone
