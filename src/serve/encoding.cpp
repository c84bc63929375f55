#include "serve/encoding.h"

#include <zlib.h>
#include <zstd.h>

namespace logstone::http {
namespace {

Error failed(const char* what, std::string reason) {
  return Error{ErrorKind::kInternal, "compress", what, std::move(reason), {}};
}

class Compressor {
 public:
  enum class Finish { kNo, kFlush, kEnd };
  virtual ~Compressor() = default;
  virtual Result<> compress(std::string_view bytes, Finish finish, std::string& out) = 0;
};

class GzipCompressor final : public Compressor {
 public:
  GzipCompressor() { ready_ = deflateInit2(&stream_, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK; }
  ~GzipCompressor() override {
    if (ready_) deflateEnd(&stream_);
  }
  Result<> compress(std::string_view bytes, Finish finish, std::string& out) override {
    if (!ready_) return failed("gzip", "there is no memory for it");
    const int mode = finish == Finish::kEnd ? Z_FINISH : finish == Finish::kFlush ? Z_SYNC_FLUSH : Z_NO_FLUSH;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    char buffer[32 * 1024];
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(buffer);
      stream_.avail_out = sizeof buffer;
      if (deflate(&stream_, mode) == Z_STREAM_ERROR) return failed("gzip", "its state is damaged");
      out.append(buffer, sizeof buffer - stream_.avail_out);
    } while (stream_.avail_out == 0);
    return {};
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

class ZstdCompressor final : public Compressor {
 public:
  ZstdCompressor() : context_(ZSTD_createCCtx()) {
    if (!context_) return;
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, 1);
    // Thousands of readers may be followed at once: a small window keeps each one's state small.
    ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, 17);
  }
  ~ZstdCompressor() override { ZSTD_freeCCtx(context_); }
  Result<> compress(std::string_view bytes, Finish finish, std::string& out) override {
    if (!context_) return failed("zstd", "there is no memory for it");
    const ZSTD_EndDirective mode = finish == Finish::kEnd     ? ZSTD_e_end
                                   : finish == Finish::kFlush ? ZSTD_e_flush
                                                              : ZSTD_e_continue;
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    char buffer[32 * 1024];
    for (;;) {
      ZSTD_outBuffer output{buffer, sizeof buffer, 0};
      const std::size_t left = ZSTD_compressStream2(context_, &output, &input, mode);
      if (ZSTD_isError(left)) return failed("zstd", ZSTD_getErrorName(left));
      out.append(buffer, output.pos);
      if (mode == ZSTD_e_continue ? input.pos == input.size : left == 0) return {};
    }
  }

 private:
  ZSTD_CCtx* context_;
};

std::unique_ptr<Compressor> make_compressor(Encoding encoding) {
  if (encoding == Encoding::kGzip) return std::make_unique<GzipCompressor>();
  return std::make_unique<ZstdCompressor>();
}

class EncodedSource final : public BodySource {
 public:
  EncodedSource(std::unique_ptr<BodySource> plain, Encoding encoding, bool flush_each)
      : plain_(std::move(plain)), compressor_(make_compressor(encoding)), flush_each_(flush_each) {}

  Result<Chunk> next(const std::function<void()>& ready) override {
    if (ended_) return Chunk{};
    Chunk out{Chunk::State::kData, {}};
    while (out.bytes.empty()) {
      LOGSTONE_ASSIGN(Chunk chunk, plain_->next(ready));
      if (chunk.state == Chunk::State::kLater) return chunk;
      ended_ = chunk.state == Chunk::State::kEnd;
      const auto finish = ended_        ? Compressor::Finish::kEnd
                          : flush_each_ ? Compressor::Finish::kFlush
                                        : Compressor::Finish::kNo;
      LOGSTONE_TRY(compressor_->compress(chunk.bytes, finish, out.bytes));
    }
    return out;
  }

 private:
  std::unique_ptr<BodySource> plain_;
  std::unique_ptr<Compressor> compressor_;
  bool flush_each_;
  bool ended_ = false;
};

}  // namespace

const char* to_string(Encoding encoding) {
  switch (encoding) {
    case Encoding::kGzip:
      return "gzip";
    case Encoding::kZstd:
      return "zstd";
    case Encoding::kIdentity:
      return "";
  }
  return "";
}

std::unique_ptr<BodySource> encode(std::unique_ptr<BodySource> plain, Encoding encoding, bool flush_each) {
  if (encoding == Encoding::kIdentity) return plain;
  return std::make_unique<EncodedSource>(std::move(plain), encoding, flush_each);
}

void encode_whole(Response& response, Encoding encoding) {
  constexpr std::size_t kWorthwhile = 1024;
  if (encoding == Encoding::kIdentity || response.source || response.body.size() < kWorthwhile) return;
  std::string out;
  if (!make_compressor(encoding)->compress(response.body, Compressor::Finish::kEnd, out)) return;
  response.body = std::move(out);
  response.set("Content-Encoding", to_string(encoding));
  response.set("Vary", "Accept-Encoding");
}

}  // namespace logstone::http
