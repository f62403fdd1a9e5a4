// tokenizer.json from anywhere: a file is refused with words or encodes any text without harm.
#include "harness/model/tokenizer.h"
#include "tests/fuzz/fuzz.h"

namespace orrery {

std::vector<Bytes> fuzz::seeds() {
  const std::string byte_level =
      R"({"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"\u0120":3,"\u0120a":4},)"
      R"("merges":["a b","\u0120 a"],"unk_token":"b"},)"
      R"("pre_tokenizer":{"type":"ByteLevel","add_prefix_space":true,"use_regex":true},)"
      R"("added_tokens":[{"id":5,"content":"<e>","special":true}]})";
  const std::string llama =
      R"({"model":{"type":"BPE","vocab":{"<unk>":0,"<0x41>":1,"\u2581":2,"a":3,"\u2581a":4},)"
      R"("merges":[["\u2581","a"]],"byte_fallback":true,"unk_token":"<unk>"},)"
      R"("normalizer":{"type":"Prepend","prepend":"\u2581"}})";
  return {Bytes(byte_level.begin(), byte_level.end()), Bytes(llama.begin(), llama.end())};
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  const ByteView input(data, size);
  const auto tokenizer = model::Tokenizer::parse(as_text(input));
  if (!tokenizer) {
    FUZZ_CHECK(!tokenizer.error().message.empty());
    return 0;
  }
  fuzz::accepted();
  for (const std::string_view text : {std::string_view("a ab <e>A"), as_text(input)}) {
    const auto ids = tokenizer->encode(text.substr(0, 2000));
    if (!ids) continue;
    for (const std::uint32_t id : *ids) FUZZ_CHECK(id < tokenizer->size());
    tokenizer->decode(*ids);
  }
  return 0;
}
