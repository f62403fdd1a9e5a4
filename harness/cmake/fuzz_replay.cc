// Runs a fuzz target without libFuzzer, as an ordinary test: every file of the corpus folder given,
// then a fixed set of mutations of each. Crashes and sanitiser reports fail the test.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "engine/base/random.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

constexpr int kMutationsPerFile = 200;  // a few seconds a target; harness/test --full searches on

std::vector<Input> read_corpus(const char* folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Input> corpus;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

// One to four edits: flip a bit, overwrite a byte, cut the end, or repeat a part.
void mutate(Input& input, orrery::RandomStream& random) {
  for (std::uint64_t edit = 0, edits = 1 + random.below(4); edit < edits; ++edit) {
    if (input.empty()) {
      input.push_back(static_cast<std::uint8_t>(random.next()));
      continue;
    }
    const std::size_t at = random.below(input.size());
    switch (random.below(4)) {
      case 0: input[at] ^= static_cast<std::uint8_t>(1u << random.below(8)); break;
      case 1: input[at] = static_cast<std::uint8_t>(random.next()); break;
      case 2: input.resize(at); break;
      default: {
        const Input part(input.begin() + static_cast<std::ptrdiff_t>(at), input.end());
        input.insert(input.end(), part.begin(), part.end());
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
    return 2;
  }
  const std::vector<Input> corpus = read_corpus(argv[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "no inputs in %s\n", argv[1]);
    return 2;
  }
  orrery::RandomStream random(1, 0, orrery::stream_id("fuzz_replay"));
  for (const Input& original : corpus) {
    LLVMFuzzerTestOneInput(original.data(), original.size());
    for (int i = 0; i < kMutationsPerFile; ++i) {
      Input input = original;
      mutate(input, random);
      LLVMFuzzerTestOneInput(input.data(), input.size());
    }
  }
  std::printf("%zu inputs, %d mutations each\n", corpus.size(), kMutationsPerFile);
  return 0;
}
