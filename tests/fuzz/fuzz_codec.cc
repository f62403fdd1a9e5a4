// Any sequence of reads over any bytes: no read runs past the end, the first failure sticks, and
// what was read encodes to the bytes that it was read from.
#include "engine/base/codec.h"
#include "tests/fuzz/fuzz.h"

namespace orrery {

// The first byte counts the reads, one byte each says which; the rest is what they read.
std::vector<Bytes> fuzz::seeds() {
  Bytes all = {10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  const Bytes data = Writer()
                         .u8(1)
                         .u16(2)
                         .u32(3)
                         .u64(4)
                         .wide(5)
                         .boolean(true)
                         .bytes(Bytes(3))
                         .text("ab")
                         .hash({})
                         .u32(2)
                         .raw(Bytes(16))
                         .take();
  all.insert(all.end(), data.begin(), data.end());
  return {all};
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  const ByteView input(data, size);
  if (input.empty()) return 0;
  const std::size_t reads = std::min<std::size_t>(input[0], size - 1);
  const ByteView program = input.subspan(1, reads), rest = input.subspan(1 + reads);
  Reader in(rest);
  Writer out;
  for (const std::uint8_t operation : program) {
    const std::size_t before = in.left();
    const bool was_ok = in.ok();
    switch (operation % 10) {
      case 0: out.u8(in.u8()); break;
      case 1: out.u16(in.u16()); break;
      case 2: out.u32(in.u32()); break;
      case 3: out.u64(in.u64()); break;
      case 4: out.wide(in.wide()); break;
      case 5: out.boolean(in.boolean()); break;
      case 6: out.bytes(in.bytes(100)); break;
      case 7: out.text(in.text(100)); break;
      case 8: out.hash(in.hash()); break;
      default: {
        const std::uint32_t n = in.count(1'000, 8);
        FUZZ_CHECK(n <= 1'000 && n * std::size_t{8} <= in.left());
        out.u32(n);
      }
    }
    FUZZ_CHECK(in.left() <= before);
    FUZZ_CHECK(was_ok || (!in.ok() && in.left() == before));
  }
  const bool whole = in.ok() && in.left() == 0;
  FUZZ_CHECK(in.finish().has_value() == whole);
  if (in.ok()) {
    fuzz::accepted();
    FUZZ_CHECK(std::ranges::equal(out.view(), rest.first(rest.size() - in.left())));
  }
  return 0;
}
