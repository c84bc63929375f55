#include "tests/store_s3/servers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "base/file.h"
#include "store/s3/s3_client.h"

namespace logstone::testing {
namespace {

namespace fs = std::filesystem;

/// Ports that nobody has now; held together, so that they differ.
std::vector<std::uint16_t> free_ports(std::size_t count) {
  std::vector<UniqueFd> sockets;
  std::vector<std::uint16_t> ports;
  while (ports.size() < count) {
    sockets.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(sockets.back().get(), reinterpret_cast<sockaddr*>(&address), size) != 0) return {};
    ::getsockname(sockets.back().get(), reinterpret_cast<sockaddr*>(&address), &size);
    ports.push_back(ntohs(address.sin_port));
  }
  return ports;
}

}  // namespace

void ServerProcess::start(const std::vector<std::string>& command, const fs::path& output) {
  stop();
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const std::string log = output.string();
  pid_ = ::fork();
  if (pid_ == 0) {
    const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(fd, 1);
    ::dup2(fd, 2);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
}

bool ServerProcess::running() {
  if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  return pid_ > 0;
}

void ServerProcess::stop() {
  if (!running()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

S3Server::S3Server(Kind kind) {
  std::string name = (fs::temp_directory_path() / "logstone-s3-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    problem_ = "no temporary folder";
    return;
  }
  folder_ = name;
  // Somebody else may take a port between the look and the start: then once more.
  for (int tries = 0; tries < 3; ++tries) {
    problem_.clear();
    start(kind);
    if (problem_.empty()) return;
    process_.stop();
  }
}

S3Server::~S3Server() {
  process_.stop();
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

void S3Server::start(Kind kind) {
  const fs::path programs = fs::path(LOGSTONE_S3_VENV) / "bin";
  const fs::path program = programs / (kind == Kind::kSeaweedFs ? "weed" : "python3");
  if (!fs::exists(program)) {
    problem_ = program.string() + " is missing: scripts/run_tests.sh installs it from tests/store_s3/requirements.txt";
    return;
  }
  const auto ports = free_ports(8);
  if (ports.empty()) {
    problem_ = "no free ports";
    return;
  }
  port_ = ports[0];
  const auto port = [&](std::size_t i) { return std::to_string(ports[i]); };
  const fs::path log = folder_ / "log";
  if (kind == Kind::kSeaweedFs) {
    std::ofstream(folder_ / "s3.json") << R"({"identities":[{"name":"test","credentials":[{"accessKey":")" << kAccessKey
                                       << R"(","secretKey":")" << kSecretKey
                                       << R"("}],"actions":["Admin","Read","Write","List","Tagging"]}]})";
    fs::create_directories(folder_ / "data");
    process_.start({program.string(),
                    "server",
                    "-ip=127.0.0.1",
                    "-ip.bind=127.0.0.1",
                    "-dir=" + (folder_ / "data").string(),
                    "-s3",
                    "-s3.config=" + (folder_ / "s3.json").string(),
                    "-s3.port=" + port(0),
                    "-s3.port.grpc=" + port(1),
                    "-s3.port.iceberg=0",
                    "-s3.port.lance=0",
                    "-s3.domainName=localhost",
                    "-master.telemetry=false",
                    "-master.port=" + port(2),
                    "-master.port.grpc=" + port(3),
                    "-master.volumeSizeLimitMB=64",
                    "-volume.max=100",
                    "-volume.port=" + port(4),
                    "-volume.port.grpc=" + port(5),
                    "-filer.port=" + port(6),
                    "-filer.port.grpc=" + port(7)},
                   log);
  } else {
    std::vector<std::string> command = {program.string(), LOGSTONE_TEST_DATA "/moto_server.py", port(0), kAccessKey,
                                        kSecretKey};
    if (kind == Kind::kMotoTls) {
      tls_ = true;
      const std::string key = (folder_ / "key.pem").string();
      ServerProcess openssl;
      openssl.start({"/usr/bin/openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                     "/CN=S3", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", ca_file()},
                    log);
      while (openssl.running()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
      command.insert(command.end(), {ca_file(), key});
    }
    process_.start(command, log);
  }
  S3Settings bucket = settings("");
  bucket.metrics = std::make_shared<S3Metrics>();
  s3::Client client(bucket);
  const s3::Keys keys{kAccessKey, kSecretKey, "", {}};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  std::string last;
  while (process_.running() && std::chrono::steady_clock::now() < deadline) {
    // Ready is who keeps an object: the bucket alone says nothing of the volumes.
    if (auto made = client.send({.method = "PUT", .path = ""}, keys); made && made->status < 500) {
      const auto put = client.send({.method = "PUT", .path = "ready", .body = "x"}, keys);
      if (put && put->status == 200) {
        if (client.send({.method = "DELETE", .path = "ready"}, keys)) return;
      }
      last = put ? std::to_string(put->status) + ' ' + put->body : put.error().reason;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  problem_ = "the S3 server did not come up: " + last + '\n' + read_file(log).value_or("").substr(0, 4000);
}

S3Settings S3Server::settings(const std::string& prefix) const {
  S3Settings settings;
  settings.bucket = kBucket;
  settings.prefix = prefix;
  settings.endpoint = (tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_);
  if (tls_) settings.ca_file = ca_file();
  settings.credentials.access_key = kAccessKey;
  settings.credentials.secret_key = kSecretKey;
  settings.first_backoff = std::chrono::milliseconds(5);
  settings.longest_backoff = std::chrono::milliseconds(50);
  return settings;
}

}  // namespace logstone::testing
