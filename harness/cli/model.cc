#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "gpu/cuda/device_network.h"
#include "gpu/cuda/device_products.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/model_args.h"
#include "harness/cli/model_onnx.h"
#include "harness/cli/terminal.h"
#include "harness/model/device_choice.h"
#include "harness/model/evaluate.h"
#include "harness/model/generate_text.h"
#include "harness/model/hf_llama.h"
#include "harness/model/json_text.h"
#include "harness/model/model_folder.h"
#include "harness/model/stopwatch.h"
#include "harness/model/thread_pool.h"
#include "harness/model/zoo.h"
#include "reports/record/write.h"

namespace orrery::cli {
namespace {

using nlohmann::ordered_json;

// Data for programs with --json, lines for people without.
void answer(const ModelArgs& args, const ordered_json& object) {
  if (args.json) {
    fmt::print("{}\n", object.dump());
    return;
  }
  for (const auto& [key, value] : object.items()) {
    fmt::print("{:<22} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
}

ordered_json shape_of(const gpu::ModelConfig& c) {
  return {{"parameters", gpu::parameter_count(c)},
          {"dim", c.dim},
          {"hidden", c.hidden},
          {"layers", c.layers},
          {"heads", c.heads},
          {"context", c.context},
          {"vocab", c.vocab}};
}

Status corpus(const ModelArgs& args) {
  ASSIGN_OR_RETURN(model::CorpusOptions options, model::corpus_size(args.size));
  options.seed = args.seed;
  ASSIGN_OR_RETURN(const model::Corpus made, model::make_corpus(options));
  TRY(model::write_corpus(made, args.folder));
  answer(args, {{"folder", args.folder},
                {"contributors", options.contributors},
                {"documents", made.documents.size()},
                {"facts", made.facts.size()},
                {"queries", made.queries.size()}});
  return {};
}

struct Data {
  std::vector<std::uint32_t> training;
  std::vector<std::uint32_t> heldout;
};

// The entry's corpus, or a file whose last tenth is held out.
Result<Data> training_data(const ModelArgs& args, const model::ZooEntry& entry) {
  if (args.text.empty()) {
    ASSIGN_OR_RETURN(const model::SplitCorpus split, model::zoo_corpus(entry.corpus));
    return Data{model::token_stream(split.training), model::token_stream(split.heldout)};
  }
  ASSIGN_OR_RETURN(const std::string text, model::read_text_file(args.text));
  const std::string_view all(text);
  const std::size_t cut = all.size() / 10 * 9;
  return Data{model::token_stream(all.substr(0, cut)), model::token_stream(all.substr(cut))};
}

Result<model::Trainer> make_trainer(const ModelArgs& args, const model::TrainOptions& options,
                                    std::vector<std::uint32_t> stream, gpu::Parallel* pool) {
  const std::string path = args.folder + "/training.safetensors";
  if (!args.resume) return model::Trainer::start(options, std::move(stream), pool);
  ASSIGN_OR_RETURN(const std::string text, model::read_text_file(path));
  return model::Trainer::resume(options, std::move(stream), pool, Bytes(text.begin(), text.end()));
}

Status save(const model::Trainer& trainer, const std::string& folder) {
  return report::write_file_atomically(folder + "/training.safetensors",
                                       as_text(trainer.checkpoint()));
}

constexpr std::size_t kEvaluatedTokens = 5'000;

ordered_json evaluation_of(const model::Evaluation& e) {
  return {{"evaluated_tokens", e.tokens},
          {"perplexity_float64", e.reference_perplexity()},
          {"perplexity_exact_i8", e.exact_perplexity()},
          {"perplexity_change", e.exact_perplexity() / e.reference_perplexity() - 1},
          {"mean_kl_nats", e.mean_kl},
          {"top1_agreement", e.top1_agreement},
          {"clamps", e.clamps}};
}

Status train(const ModelArgs& args) {
  ASSIGN_OR_RETURN(model::ZooEntry entry, model::zoo_entry(args.size));
  const bool pinned = args.text.empty() && args.steps == 0 && args.seed == 1;
  if (args.steps != 0) entry.options.steps = args.steps;
  entry.options.seed = args.seed;
  ASSIGN_OR_RETURN(const model::ChosenAccelerator chosen, model::choose_accelerator(args.device));
  if (!chosen.note.empty()) say(chosen.note);
  ASSIGN_OR_RETURN(Data data, training_data(args, entry));
  model::ThreadPool pool(args.threads);
  ASSIGN_OR_RETURN(model::Trainer trainer,
                   make_trainer(args, entry.options, std::move(data.training), &pool));
  if (chosen.accelerator != nullptr) {
    trainer.take_gradients_from(
        std::make_unique<gpu::DeviceNetwork>(entry.options.config, *chosen.accelerator));
  }
  std::error_code failed;
  std::filesystem::create_directories(args.folder, failed);
  if (failed) return fail(ErrorCode::kIo, "cannot make " + args.folder + ": " + failed.message());
  const model::Stopwatch watch;
  double sum = 0;
  std::uint32_t counted = 0;
  while (!trainer.done()) {
    ASSIGN_OR_RETURN(const float loss, trainer.step());
    sum += loss;
    ++counted;
    if (trainer.steps() % args.save_every != 0 && !trainer.done()) continue;
    say(fmt::format("step {} of {}: loss {:.4f}", trainer.steps(), entry.options.steps,
                    sum / counted));
    sum = counted = 0;
    TRY(save(trainer, args.folder));
  }
  const model::Times times = watch.elapsed();
  TRY(model::export_llama(trainer.model(), args.folder));
  ASSIGN_OR_RETURN(const gpu::ModelArtefact artefact, model::build_artefact(args.folder));
  data.heldout.resize(std::min(data.heldout.size(), kEvaluatedTokens));
  ASSIGN_OR_RETURN(const model::Evaluation e,
                   model::evaluate(trainer.model(), artefact, data.heldout));
  const std::string digest = to_hex(model::parameters_digest(trainer.model()));
  ordered_json out{{"folder", args.folder},       {"steps", trainer.steps()},
                   {"cpu_seconds", times.cpu},    {"wall_seconds", times.wall},
                   {"parameters_digest", digest}, {"artefact_digest", to_hex(artefact.digest())}};
  out.update(evaluation_of(e));
  if (pinned && !entry.parameters.empty()) out["as_pinned"] = digest == entry.parameters;
  answer(args, out);
  if (pinned && !entry.parameters.empty() && digest != entry.parameters) {
    return fail(ErrorCode::kRefused, "the parameters are not the pinned ones: " + entry.parameters);
  }
  return {};
}

Status build(const ModelArgs& args) {
  ASSIGN_OR_RETURN(const gpu::ModelArtefact artefact, model::build_artefact(args.folder));
  ordered_json out = shape_of(artefact.config);
  out["artefact_digest"] = to_hex(artefact.digest());
  answer(args, out);
  return {};
}

Result<gpu::SamplingParams> sampling_of(const ModelArgs& args) {
  const auto share = [](double value, std::uint64_t one) {
    return static_cast<std::uint64_t>(std::llround(value * static_cast<double>(one)));
  };
  if (!(args.temperature >= 0 && args.temperature <= 100)) {
    return fail(ErrorCode::kInvalidArgument, "the temperature is outside [0, 100]");
  }
  if (!(args.top_p > 0 && args.top_p <= 1)) {
    return fail(ErrorCode::kInvalidArgument, "--top-p is outside (0, 1]");
  }
  gpu::SamplingParams params{.max_tokens = args.tokens, .top_k = args.top_k};
  params.temperature = static_cast<std::uint32_t>(share(args.temperature, gpu::kTemperatureOne));
  params.top_p = std::max<std::uint64_t>(1, share(args.top_p, gpu::kTopPOne));
  TRY(gpu::validate(params));
  return params;
}

Status generate(const ModelArgs& args) {
  ASSIGN_OR_RETURN(const gpu::SamplingParams params, sampling_of(args));
  ASSIGN_OR_RETURN(const model::ChosenBackend chosen, model::choose_backend(args.device));
  if (!chosen.note.empty()) say(chosen.note);
  if (args.json && args.stops.empty() && !model::has_tokenizer(args.folder)) {
    // What a task of the chain would give, with its digests.
    ASSIGN_OR_RETURN(const gpu::ModelArtefact artefact, model::read_artefact(args.folder));
    ASSIGN_OR_RETURN(const auto result,
                     chosen.backend->generate(artefact, as_bytes(args.prompt), params, args.seed));
    // Bytes need not be UTF-8.
    answer(args, {{"output_hex", to_hex(result.output)},
                  {"generated_tokens", result.generated_tokens},
                  {"result_digest", to_hex(result.digest())},
                  {"transcript_root", to_hex(result.transcript_root)},
                  {"clamps", result.clamps}});
    return {};
  }
  if (!args.json) fmt::print("{}", args.prompt);
  const auto stream = [](std::string_view piece) {
    fmt::print("{}", piece);
    std::fflush(stdout);
  };
  model::TextRequest request{.prompt = args.prompt,
                             .params = params,
                             .seed = args.seed,
                             .stops = args.stops,
                             .on_text = {}};
  if (!args.json) request.on_text = stream;
  ASSIGN_OR_RETURN(const auto made, model::generate_text(*chosen.backend, args.folder, request));
  if (!args.json) {
    fmt::print("\n");
    return {};
  }
  answer(args, {{"output_hex", to_hex(as_bytes(made.text))},
                {"tokens", made.tokens},
                {"stopped", made.stopped}});
  return {};
}

// Products on a device, if one was asked for.
Result<std::vector<float>> fast_logits(const gpu::FastModel& floats, const ModelArgs& args) {
  const bool bf16 = args.mode == "fast-bf16";
  const bool tf32 = args.mode == "fast-tf32";
  ASSIGN_OR_RETURN(const model::ChosenAccelerator device, model::choose_accelerator(args.device));
  if (!device.note.empty()) say(device.note);
  if (tf32 && device.accelerator == nullptr) {
    return fail(ErrorCode::kInvalidArgument,
                "only devices compute in TF32: take --device cuda, or --mode fast or fast-bf16");
  }
  std::optional<gpu::DeviceProducts> products;
  if (device.accelerator != nullptr) {
    const auto type = bf16 ? gpu::LtType::kBf16 : tf32 ? gpu::LtType::kTf32 : gpu::LtType::kF32;
    products.emplace(*device.accelerator, type);
  }
  gpu::FastDecoder decoder(floats, bf16 ? gpu::FastPrecision::kBf16 : gpu::FastPrecision::kF32,
                           products ? &*products : nullptr);
  decoder.append(args.token_ids);
  std::vector<float> values = decoder.logits();
  TRY(decoder.status());
  return values;
}

Status logits(const ModelArgs& args) {
  const bool exact = args.mode == "exact-i8";
  if (exact && args.device == "cuda") {
    return fail(ErrorCode::kInvalidArgument,
                "logits in exact-i8 are computed on the processor: leave --device out");
  }
  gpu::ModelConfig config;
  gpu::ModelArtefact artefact;
  gpu::FastModel floats;
  if (exact) {
    ASSIGN_OR_RETURN(artefact, model::read_artefact(args.folder));
    config = artefact.config;
  } else {
    ASSIGN_OR_RETURN(floats, model::read_fast_model(args.folder));
    config = floats.config;
  }
  if (args.token_ids.size() > config.context) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} tokens; the model takes {}",
                                                         args.token_ids.size(), config.context));
  }
  for (const std::uint32_t t : args.token_ids) {
    if (t < config.vocab) continue;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("token {} is beyond the vocabulary of {}", t, config.vocab));
  }
  std::vector<float> values;
  if (exact) {
    values = model::exact_logits(artefact, args.token_ids);
  } else {
    ASSIGN_OR_RETURN(values, fast_logits(floats, args));
  }
  ordered_json rows = ordered_json::array();
  for (std::size_t r = 0; r < args.token_ids.size(); ++r) {
    const auto row = values.begin() + static_cast<std::ptrdiff_t>(r * config.vocab);
    rows.push_back(std::vector<float>(row, row + config.vocab));
  }
  answer(args, {{"mode", args.mode}, {"vocab", config.vocab}, {"logits", std::move(rows)}});
  return {};
}

// What a verb about ONNX files found.
Status answer(const ModelArgs& args, const Result<ordered_json>& found) {
  if (!found) return tl::unexpected<Error>(found.error());
  answer(args, *found);
  return {};
}

Status inspect(const ModelArgs& args) {
  if (is_onnx(args.folder)) return answer(args, inspect_onnx(args));
  ASSIGN_OR_RETURN(const gpu::ModelArtefact artefact, model::read_artefact(args.folder));
  ordered_json out = shape_of(artefact.config);
  out["artefact_bytes"] = gpu::encoded_size(artefact.config);
  out["artefact_digest"] = to_hex(artefact.digest());
  if (!args.text.empty()) {
    ASSIGN_OR_RETURN(const gpu::F32Model floats, model::import_llama(args.folder));
    ASSIGN_OR_RETURN(const std::string text, model::read_text_file(args.text));
    auto tokens = model::token_stream(text);
    tokens.resize(std::min(tokens.size(), kEvaluatedTokens));
    ASSIGN_OR_RETURN(const model::Evaluation e, model::evaluate(floats, artefact, tokens));
    out.update(evaluation_of(e));
  }
  answer(args, out);
  return {};
}

Status verify(const ModelArgs& args) {
  ASSIGN_OR_RETURN(const Hash256 digest, model::verify_folder(args.folder));
  answer(args, {{"verified", true}, {"artefact_digest", to_hex(digest)}});
  return {};
}

CLI::App* add(CLI::App& to, ModelArgs& args, const char* name, const char* about,
              const char* example) {
  CLI::App* verb = to.add_subcommand(name, about);
  verb->add_flag("--json", args.json, "One JSON object on standard output");
  verb->footer(std::string("Example: orrery model ") + example);
  verb->callback([&args, name] { args.what = name; });
  return verb;
}

}  // namespace

void add_model_verbs(CLI::App& app, ModelArgs& args) {
  CLI::App* all = app.add_subcommand("model", "Make, train, look at and run models");
  all->require_subcommand(1);
  CLI::App* verb = add(*all, args, "corpus", "Write texts with planted owners and facts",
                       "corpus --size small --out texts");
  verb->add_option("--size", args.size, "small, medium or large")->required();
  verb->add_option("--seed", args.seed, "Other texts");
  verb->add_option("--out", args.folder, "Folder")->required();

  verb = add(*all, args, "train", "Train a model of the zoo, to the same bits everywhere",
             "train --size 0.3M --out model");
  verb->add_option("--size", args.size, "0.3M, 3M or 15M")->required();
  verb->add_option("--out", args.folder, "Folder")->required();
  verb->add_option("--text", args.text, "A file to train on, instead of planted texts");
  verb->add_option("--steps", args.steps, "Other than the zoo's");
  verb->add_option("--seed", args.seed, "Other than 1");
  verb->add_option("--threads", args.threads, "Threads; the result does not depend on them")
      ->check(CLI::Range(1, 256));
  verb->add_option("--device", args.device,
                   "That computes gradients: cpu, cuda or auto; the result does not depend on it");
  verb->add_option("--save-every", args.save_every, "Steps between checkpoints")
      ->check(CLI::PositiveNumber);
  verb->add_flag("--resume", args.resume, "Go on from the folder's checkpoint");

  verb = add(*all, args, "build",
             "Quantise a Llama or GPT-2 checkpoint (Safetensors) to its artefact", "build model");
  verb->add_option("folder", args.folder, "Folder with config.json and tensors")->required();

  verb = add(*all, args, "generate", "Let an artefact go on with a prompt",
             "generate model --prompt 'the ' --temperature 0.8 --top-k 40 --stop .");
  verb->add_option("model", args.folder, "Folder or artefact file")->required();
  verb->add_option("--prompt", args.prompt, "Bytes to go on with")->required();
  verb->add_option("--tokens", args.tokens, "At most");
  verb->add_option("--temperature", args.temperature, "0: the likeliest token");
  verb->add_option("--top-k", args.top_k, "Draw from the k likeliest tokens; 0: from all");
  verb->add_option("--top-p", args.top_p, "Draw from the likeliest of this much probability");
  verb->add_option("--stop", args.stops, "Texts before which the answer ends")
      ->allow_extra_args(false);
  verb->add_option("--seed", args.seed, "Of the sampling");
  verb->add_option("--device", args.device, "cpu, cuda or auto; the result does not depend on it");

  verb = add(*all, args, "logits", "What a model expects after each token, in floats",
             "logits model --tokens 256,116,104 --mode fast --json");
  verb->add_option("model", args.folder, "Folder")->required();
  verb->add_option("--tokens", args.token_ids, "Ids, read as one sequence")
      ->delimiter(',')
      ->required();
  verb->add_option("--mode", args.mode,
                   "fast (float32), fast-bf16, fast-tf32 (devices) or exact-i8 (the artefact)")
      ->check(CLI::IsMember({"fast", "fast-bf16", "fast-tf32", "exact-i8"}));
  verb->add_option("--device", args.device,
                   "That multiplies in the fast modes: cpu, cuda (cuBLASLt) or auto");

  verb = add(*all, args, "inspect", "Shape, size, digest; with a text also perplexity",
             "inspect model --text held-out.txt");
  verb->add_option("model", args.folder, "Folder, artefact file or .onnx file")->required();
  verb->add_option("--text", args.text, "A file to predict, in float64 and in exact-i8");

  verb = add(*all, args, "convert", "Take the float weights of an ONNX file out, as Safetensors",
             "convert model.onnx --out weights");
  verb->add_option("file", args.folder, "ONNX file")->required();
  verb->add_option("--out", args.out, "Folder")->required();

  verb = add(*all, args, "run", "Execute the graph of an ONNX file in float32",
             "run model.onnx input_0.pb --out results");
  verb->add_option("file", args.folder, "ONNX file")->required();
  verb->add_option("inputs", args.inputs, "A file (TensorProto) for each input of the graph");
  verb->add_option("--out", args.out, "Folder for output_<n>.pb");

  verb =
      add(*all, args, "verify", "Build the artefact again and compare every byte", "verify model");
  verb->add_option("folder", args.folder, "Folder")->required();
}

std::optional<int> dispatch_model(const std::string& verb, const ModelArgs& args) {
  if (verb != "model") return std::nullopt;
  const Status status = args.what == "corpus"     ? corpus(args)
                        : args.what == "train"    ? train(args)
                        : args.what == "build"    ? build(args)
                        : args.what == "generate" ? generate(args)
                        : args.what == "logits"   ? logits(args)
                        : args.what == "inspect"  ? inspect(args)
                        : args.what == "convert"  ? answer(args, convert_onnx(args))
                        : args.what == "run"      ? answer(args, run_onnx(args))
                                                  : verify(args);
  if (status) return kHeld;
  complain(status.error().message);
  return status.error().code == ErrorCode::kRefused ? kNondeterminism : exit_code(status.error());
}

}  // namespace orrery::cli
