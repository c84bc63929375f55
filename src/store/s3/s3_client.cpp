#include "store/s3/s3_client.h"

#include "store/s3/s3_signature.h"

namespace logstone::s3 {

Client::Client(const S3Settings& settings) : settings_(settings) {
  const std::size_t host = settings.endpoint.find("://") + 3;
  const std::string scheme = settings.endpoint.substr(0, host);
  host_ = settings.endpoint.substr(host);
  if (settings.addressing == S3Settings::Addressing::kPath) {
    path_before_ = '/' + settings.bucket;
  } else {
    host_ = settings.bucket + '.' + host_;
  }
  origin_ = scheme + host_;
  // A proxy before the store may drop a port that goes without saying; a signature over it would then fail.
  const std::string usual = scheme == "https://" ? ":443" : ":80";
  if (host_.ends_with(usual)) host_.resize(host_.size() - usual.size());
}

Result<Answer> Client::send(const Request& request, const Keys& keys) {
  SignedRequest sign;
  sign.method = request.method;
  // A bucket by its path has no '/' after it: some stores sign one, some do not.
  sign.path = path_before_;
  if (path_before_.empty() || !request.path.empty()) sign.path += '/' + percent_encode(request.path, true);
  for (const auto& [name, value] : request.query) {
    if (!sign.query.empty()) sign.query += '&';
    sign.query += percent_encode(name, false) + '=' + percent_encode(value, false);
  }
  sign.body_sha256 = sha256_hex(request.body);
  sign.headers = request.headers;
  sign.headers["host"] = host_;
  sign.headers["x-amz-date"] = signing_time(Clock::system().now());
  sign.headers["x-amz-content-sha256"] = sign.body_sha256;
  if (!keys.session_token.empty()) sign.headers["x-amz-security-token"] = keys.session_token;
  if (!request.body.empty()) sign.headers.emplace("content-type", "application/octet-stream");

  HttpRequest http;
  http.method = request.method;
  http.url = origin_ + sign.path + (sign.query.empty() ? "" : '?' + sign.query);
  for (const auto& [name, value] : sign.headers) http.headers.push_back(name + ": " + value);
  http.headers.push_back("authorization: " + authorization(sign, {keys.access, keys.secret, settings_.region}));
  if (request.body.empty()) http.headers.push_back("content-type:");
  http.body = request.body;
  http.most_bytes = request.most_bytes;
  http.connect_timeout = settings_.connect_timeout;
  http.stall_timeout = settings_.stall_timeout * request.patience;
  http.ca_file = settings_.ca_file;
  return connections_.send(http);
}

}  // namespace logstone::s3
