#include "argo/gunzip.h"

#include <zlib.h>

#include <algorithm>
#include <vector>

namespace logstone::argo {

struct Gunzip::State {
  z_stream stream{};
  bool between = true;  ///< Before a member, or after one.
  bool any = false;     ///< A member has ended.
  bool padded = false;  ///< Zeros follow the last member, as tapes leave them.
  std::vector<char> buffer = std::vector<char>(64 * 1024);
};

bool looks_like_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b\x08"); }

Gunzip::Gunzip() : state_(std::make_unique<State>()) { inflateInit2(&state_->stream, 15 + 16); }
Gunzip::~Gunzip() { inflateEnd(&state_->stream); }

bool Gunzip::complete() const { return state_->any && state_->between; }

Result<> Gunzip::push(std::string_view bytes, const std::function<Result<>(std::string_view)>& out) {
  const auto corrupt = [](std::string reason) {
    return Error{ErrorKind::kCorrupt, "decompress", "gzip", std::move(reason), {}};
  };
  z_stream& stream = state_->stream;
  while (!bytes.empty()) {
    if (state_->between) {
      if (state_->any && bytes.front() == '\0') state_->padded = true;
      if (state_->padded) {
        if (bytes.find_first_not_of('\0') != std::string_view::npos) return corrupt("something follows its end");
        return {};
      }
      if (state_->any && inflateReset(&stream) != Z_OK) return corrupt("it cannot be begun again");
      state_->between = false;
    }
    constexpr std::size_t kMostInput = std::size_t{1} << 30;
    const std::size_t taken = std::min(bytes.size(), kMostInput);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(taken);
    int status = Z_OK;
    do {
      stream.next_out = reinterpret_cast<Bytef*>(state_->buffer.data());
      stream.avail_out = static_cast<uInt>(state_->buffer.size());
      status = inflate(&stream, Z_NO_FLUSH);
      const std::size_t made = state_->buffer.size() - stream.avail_out;
      if (made > 0) LOGSTONE_TRY(out(std::string_view(state_->buffer.data(), made)));
      // Z_BUF_ERROR: it wants more input.
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
        return corrupt(stream.msg != nullptr ? stream.msg : "its bytes are damaged");
      }
    } while (status == Z_OK && (stream.avail_in > 0 || stream.avail_out == 0));
    bytes.remove_prefix(taken - stream.avail_in);
    if (status == Z_STREAM_END) {
      state_->between = true;
      state_->any = true;
    }
  }
  return {};
}

Result<std::string> gunzip(std::string_view bytes, std::size_t most, const std::string& subject) {
  std::string text;
  Gunzip stream;
  auto pushed = stream.push(bytes, [&](std::string_view piece) -> Result<> {
    if (piece.size() > most - text.size()) {
      return Error{
          ErrorKind::kInvalidInput, "decompress", subject, "it is larger than " + std::to_string(most) + " bytes", {}};
    }
    text += piece;
    return {};
  });
  if (!pushed) {
    Error error = std::move(pushed).error();
    error.subject = subject;
    return error;
  }
  if (!stream.complete()) return Error{ErrorKind::kCorrupt, "decompress", subject, "its end is missing", {}};
  return text;
}

}  // namespace logstone::argo
