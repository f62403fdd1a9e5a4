// Drives a fuzz target without libFuzzer: the corpus, then mutations of it, the same on every run.
//   fuzz_<name> <corpus folder> [inputs]        run; 20,000 inputs unless told
//   fuzz_<name> --only <corpus folder> <index>  run one input again, as hexadecimal on stdout first
//   fuzz_<name> --write-seeds <folder>          write the seeds as files, for libFuzzer
// On a failure it names the index of the input.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "engine/base/random.h"
#include "tests/fuzz/fuzz.h"

namespace orrery::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kDefaultInputs = 20'000;
constexpr std::size_t kMaxInput = 1 << 16;

volatile std::sig_atomic_t running = -1;  // for the signal handler

void on_signal(int signal) {
  char text[64] = "fuzz: failed at input ";
  std::size_t n = std::strlen(text);
  char digits[16];
  int d = 0;
  for (int v = running; d == 0 || v > 0; v /= 10) digits[d++] = static_cast<char>('0' + v % 10);
  while (d > 0) text[n++] = digits[--d];
  text[n++] = '\n';
  if (::write(STDERR_FILENO, text, n) < 0) _exit(1);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

std::vector<Bytes> corpus(const fs::path& folder) {
  std::vector<Bytes> inputs = seeds();
  std::vector<fs::path> files;
  if (fs::is_directory(folder)) {
    for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  inputs.emplace_back();
  return inputs;
}

// One random edit. Numbers at the edges of their types are what length fields break on.
void mutate(Bytes& input, const std::vector<Bytes>& pool, RandomStream& random) {
  static constexpr std::uint64_t kEdges[] = {
      0,   1,   2,      32,         33,         64,         127,           128,
      255, 256, 65'535, 0x7fffffff, 0xffffffff, UINT64_MAX, UINT64_MAX / 2};
  const std::size_t at = input.empty() ? 0 : random.below(input.size());
  const std::size_t left = input.size() - at;
  const auto position = input.begin() + static_cast<std::ptrdiff_t>(at);
  switch (random.below(9)) {
    case 0:
      if (left > 0) *position ^= static_cast<std::uint8_t>(1u << random.below(8));
      break;
    case 1:
      if (left > 0) *position = static_cast<std::uint8_t>(random.next());
      break;
    case 2: {  // a number of 1 to 8 bytes at an edge, little endian
      const std::uint64_t edge = kEdges[random.below(std::size(kEdges))];
      const std::size_t width = std::min<std::size_t>(left, std::size_t{1} << random.below(4));
      for (std::size_t i = 0; i < width; ++i) {
        input[at + i] = static_cast<std::uint8_t>(edge >> (8 * i));
      }
      break;
    }
    case 3: {  // remove a piece
      const std::size_t size = std::min<std::size_t>(left, 1 + random.below(16));
      input.erase(position, position + static_cast<std::ptrdiff_t>(size));
      break;
    }
    case 4:  // cut off
      input.resize(at);
      break;
    case 5: {  // insert noise
      Bytes noise(1 + random.below(16));
      for (auto& b : noise) b = static_cast<std::uint8_t>(random.next());
      input.insert(position, noise.begin(), noise.end());
      break;
    }
    case 6: {  // repeat a piece
      const Bytes piece(position, position + static_cast<std::ptrdiff_t>(
                                                 std::min<std::size_t>(left, random.below(64))));
      input.insert(position, piece.begin(), piece.end());
      break;
    }
    default: {  // continue with a piece of another input
      const Bytes& other = pool[random.below(pool.size())];
      const std::size_t from = other.empty() ? 0 : random.below(other.size());
      input.resize(at);
      input.insert(input.end(), other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
    }
  }
  if (input.size() > kMaxInput) input.resize(kMaxInput);
}

// The input with this index: the corpus itself first; then each a function of its index alone.
Bytes input_at(std::uint64_t index, const std::vector<Bytes>& pool) {
  if (index < pool.size()) return pool[index];
  RandomStream random(1, index, stream_id("fuzz/mutate"));
  Bytes input = pool[random.below(pool.size())];
  const std::uint64_t edits = 1 + random.below(4);
  for (std::uint64_t i = 0; i < edits; ++i) mutate(input, pool, random);
  return input;
}

int run_one(std::uint64_t index, const std::vector<Bytes>& pool) {
  running = static_cast<std::sig_atomic_t>(index);
  const Bytes input = input_at(index, pool);
  try {
    LLVMFuzzerTestOneInput(input.data(), input.size());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "fuzz: input %llu threw: %s\n", static_cast<unsigned long long>(index),
                 e.what());
    return 1;
  }
  return 0;
}

int write_seeds(const fs::path& folder) {
  fs::create_directories(folder);
  const std::vector<Bytes> all = seeds();
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::ofstream out(folder / ("seed-" + std::to_string(i)), std::ios::binary);
    out.write(reinterpret_cast<const char*>(all[i].data()),
              static_cast<std::streamsize>(all[i].size()));
  }
  return 0;
}

int run(int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  if (first == "--write-seeds" && argc == 3) return write_seeds(argv[2]);
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    std::signal(signal, on_signal);
  }
  if (first == "--only" && argc == 4) {
    const std::vector<Bytes> pool = corpus(argv[2]);
    const std::uint64_t index = std::strtoull(argv[3], nullptr, 10);
    std::printf("%s\n", to_hex(input_at(index, pool)).c_str());
    std::fflush(stdout);
    return run_one(index, pool);
  }
  if (argc < 2 || argc > 3 || first.starts_with("--")) {
    std::fprintf(stderr, "usage: %s CORPUS [INPUTS] | --only CORPUS INDEX | --write-seeds FOLDER\n",
                 argv[0]);
    return 2;
  }
  const std::vector<Bytes> pool = corpus(first);
  const std::uint64_t inputs = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : kDefaultInputs;
  for (std::uint64_t i = 0; i < inputs; ++i) {
    if (run_one(i, pool) != 0) return 1;
  }
  std::fprintf(stderr, "fuzz: %llu inputs, %llu accepted\n",
               static_cast<unsigned long long>(inputs),
               static_cast<unsigned long long>(accepted_inputs));
  if (accepted_inputs == 0) std::fprintf(stderr, "fuzz: the seeds are not in the present format\n");
  return accepted_inputs == 0 ? 1 : 0;
}

}  // namespace
}  // namespace orrery::fuzz

int main(int argc, char** argv) { return orrery::fuzz::run(argc, argv); }
