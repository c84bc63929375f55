#include "archive/zstd_codec.h"

#include <zstd.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace logstone::zstd {
namespace {

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

/// Lends contexts; keeps a few between uses, because making one costs as much as compressing a small block.
template <class Context, Context* (*make)()>
class ContextPool {
 public:
  class Loan {
   public:
    explicit Loan(ContextPool& pool) : pool_(pool), context_(pool.take()) {}
    ~Loan() { pool_.give_back(std::move(context_)); }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    [[nodiscard]] Context* get() const { return context_.get(); }

   private:
    ContextPool& pool_;
    std::unique_ptr<Context, FreeContext> context_;
  };

 private:
  static constexpr std::size_t kKept = 4;

  std::unique_ptr<Context, FreeContext> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto context = std::move(idle_.back());
        idle_.pop_back();
        return context;
      }
    }
    std::unique_ptr<Context, FreeContext> context(make());
    if (!context) throw std::bad_alloc();
    return context;
  }

  void give_back(std::unique_ptr<Context, FreeContext> context) noexcept {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < idle_.capacity()) idle_.push_back(std::move(context));
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Context, FreeContext>> idle_ = [] {
    std::vector<std::unique_ptr<Context, FreeContext>> room;
    room.reserve(kKept);
    return room;
  }();
};

using Compressors = ContextPool<ZSTD_CCtx, ZSTD_createCCtx>;
using Decompressors = ContextPool<ZSTD_DCtx, ZSTD_createDCtx>;

Compressors& compressors() {
  static auto* pool = new Compressors;  // Never freed: threads may still use it while the program ends.
  return *pool;
}
Decompressors& decompressors() {
  static auto* pool = new Decompressors;
  return *pool;
}

/// The frame header's descriptor byte (RFC 8878, 3.1.1.1.1).
struct FrameDescriptor {
  bool checksum;
  bool dictionary;
};
std::optional<FrameDescriptor> frame_descriptor(std::string_view frame) {
  if (frame.size() < 5 || frame.substr(0, 4) != std::string_view("\x28\xB5\x2F\xFD", 4)) return std::nullopt;
  const auto byte = static_cast<std::uint8_t>(frame[4]);
  return FrameDescriptor{(byte & 0x04) != 0, (byte & 0x03) != 0};
}

}  // namespace

std::string compress(std::string_view raw, int level, bool with_checksum) {
  const Compressors::Loan context(compressors());
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, with_checksum ? 1 : 0);
  // A scratch buffer a thread: growing a new string to the bound would clear it first, and keep its pages.
  thread_local std::unique_ptr<char[]> scratch;
  thread_local std::size_t scratch_size = 0;
  const std::size_t bound = ZSTD_compressBound(raw.size());
  if (scratch_size < bound) {
    scratch.reset(new char[bound]);
    scratch_size = bound;
  }
  const std::size_t size = ZSTD_compress2(context.get(), scratch.get(), scratch_size, raw.data(), raw.size());
  if (ZSTD_isError(size) != 0U) throw std::bad_alloc();  // The buffer suffices, so memory is all that can be short.
  return std::string(scratch.get(), size);
}

std::optional<std::string> decompress(std::string_view frame, std::size_t raw_size, bool need_checksum) {
  const auto descriptor = frame_descriptor(frame);
  if (!descriptor || descriptor->dictionary || (need_checksum && !descriptor->checksum)) return std::nullopt;
  if (ZSTD_getFrameContentSize(frame.data(), frame.size()) != raw_size) return std::nullopt;
  if (ZSTD_findFrameCompressedSize(frame.data(), frame.size()) != frame.size()) return std::nullopt;
  std::string raw(raw_size, '\0');
  const Decompressors::Loan context(decompressors());
  const std::size_t size = ZSTD_decompressDCtx(context.get(), raw.data(), raw.size(), frame.data(), frame.size());
  if (ZSTD_isError(size) != 0U || size != raw_size) return std::nullopt;
  return raw;
}

}  // namespace logstone::zstd
