// Verbs about models outside of a network: model corpus, train, build, generate, logits,
// inspect, verify, convert, run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace orrery::cli {

struct ModelArgs {
  std::string what;
  std::string folder;  // of a model: config.json, model.safetensors, artefact.bin
  std::string size;    // of the zoo, or of a corpus
  std::string text;    // a file of one's own to train on or to evaluate with
  std::string prompt;
  std::string mode = "fast";             // of logits: fast, fast-bf16, fast-tf32, exact-i8
  std::string out;                       // a folder to write to, where folder is read
  std::vector<std::string> inputs;       // files of tensors
  std::vector<std::uint32_t> token_ids;  // to read
  std::uint32_t steps = 0;               // 0: as the zoo has it
  std::string device = "cpu";  // that trains, generates, multiplies: cpu, cuda, auto
  std::uint32_t threads = 1;
  std::uint32_t tokens = 64;
  double temperature = 0;
  std::uint32_t top_k = 0;         // 0: all
  double top_p = 1;
  std::vector<std::string> stops;  // texts that end an answer
  std::uint64_t seed = 1;
  std::uint32_t save_every = 100;  // steps
  bool resume = false;
  bool json = false;
};

void add_model_verbs(CLI::App& app, ModelArgs& args);
// The exit code, if `verb` is "model".
std::optional<int> dispatch_model(const std::string& verb, const ModelArgs& args);

}  // namespace orrery::cli
