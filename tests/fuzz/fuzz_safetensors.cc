// Checkpoints from anywhere: accepted files hold together, and reading their tensors stays inside.
#include "harness/model/safetensors.h"
#include "tests/fuzz/fuzz.h"

namespace orrery {

std::vector<Bytes> fuzz::seeds() {
  const float values[] = {1.5f, -2.0f, 0.0f, 3.25f, 1e-30f, 7.0f};
  return {model::encode_safetensors({{"a.weight", {2, 3}, values}, {"b", {}, values + 5}}, {}),
          model::encode_safetensors({{"x", {0, 4}, values}, {"y", {6}, values}}, {{"k", "v"}}),
          model::encode_safetensors({}, {})};
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  const auto file = model::Safetensors::parse(Bytes(data, data + size));
  if (!file) {
    FUZZ_CHECK(!file.error().message.empty());
    return 0;
  }
  fuzz::accepted();
  std::uint64_t covered = 0;
  for (const model::TensorEntry& t : file->tensors()) {
    FUZZ_CHECK(t.begin == covered);
    covered = t.end;
    const auto values = file->floats(t);
    if (values) FUZZ_CHECK(values->size() == t.elements());
    FUZZ_CHECK(file->find(t.name) != nullptr);
  }
  FUZZ_CHECK(covered <= size);
  return 0;
}
