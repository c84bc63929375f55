// Real S3 servers on this machine's loopback for the tests.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "store/s3/s3_store.h"

namespace logstone::testing {

inline constexpr const char* kAccessKey = "test-access";
inline constexpr const char* kSecretKey = "test-secret";
inline constexpr const char* kBucket = "logstone-test";

/// A program that ends with this object; its output is in a file.
class ServerProcess {
 public:
  ServerProcess() = default;
  ~ServerProcess() { stop(); }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  void start(const std::vector<std::string>& command, const std::filesystem::path& output);
  [[nodiscard]] bool running();
  void stop();

 private:
  pid_t pid_ = -1;
};

/// A server with a bucket in it. `problem` says why there is none.
class S3Server {
 public:
  /// Both know kAccessKey alone; moto also hands out keys by web identity, for any token.
  enum class Kind { kSeaweedFs, kMoto, kMotoTls };
  explicit S3Server(Kind kind);
  ~S3Server();
  S3Server(const S3Server&) = delete;
  S3Server& operator=(const S3Server&) = delete;
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// The certificate of kMotoTls, for 127.0.0.1; PEM.
  [[nodiscard]] std::string ca_file() const { return (folder_ / "cert.pem").string(); }
  /// Of the bucket, with retries that end soon; `prefix` goes before every key.
  [[nodiscard]] S3Settings settings(const std::string& prefix) const;

 private:
  void start(Kind kind);

  std::filesystem::path folder_;
  bool tls_ = false;
  ServerProcess process_;
  std::uint16_t port_ = 0;
  std::string problem_;
};

}  // namespace logstone::testing
