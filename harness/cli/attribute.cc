#include "harness/model/attribute.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "harness/cli/attribute_args.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/terminal.h"
#include "harness/model/corpus_file.h"
#include "harness/model/device_choice.h"
#include "harness/model/thread_pool.h"

namespace orrery::cli {
namespace {

using nlohmann::ordered_json;

// What the verb works on; owns what the task's spans point to.
struct Inputs {
  model::AttributionMethod method;
  std::vector<model::Document> documents;
  std::vector<model::Query> queries;
  std::vector<model::Checkpoint> checkpoints;
};

Result<std::vector<model::Query>> queries_of(const AttributeArgs& args) {
  if (args.query.empty() == args.queries.empty()) {
    return fail(ErrorCode::kInvalidArgument, "give either --query TEXT or --queries FILE");
  }
  if (!args.queries.empty()) return model::read_queries(args.queries);
  model::Query one;
  one.prompt = args.prompt;
  one.answer = args.query;
  return std::vector<model::Query>{one};
}

Result<Inputs> read_inputs(const AttributeArgs& args, const model::Workers& workers) {
  Inputs in;
  ASSIGN_OR_RETURN(in.method, model::attribution_method(args.method));
  ASSIGN_OR_RETURN(in.queries, queries_of(args));
  ASSIGN_OR_RETURN(in.documents, model::corpus_documents(args.corpus));
  if (!model::needs_model(in.method)) return in;
  if (args.model.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("method {} needs a model: orrery attribute FOLDER ...", args.method));
  }
  if (args.keep > 0) {
    const auto report = [](std::uint64_t step, std::uint64_t of) {
      if (step % 100 == 0 || step == of)
        say(fmt::format("training again: step {} of {}", step, of));
    };
    TRY(model::keep_checkpoints(args.model, {args.keep, args.seed}, workers, report));
  }
  if (args.halves > 0) {
    const auto report = [](std::uint64_t done, std::uint64_t of) {
      say(fmt::format("models of random halves: {} of {}", done, of));
    };
    TRY(model::keep_halves(args.model, {args.halves, args.seed}, workers, report));
    ASSIGN_OR_RETURN(in.checkpoints, model::read_halves(args.model, args.halves));
    return in;
  }
  ASSIGN_OR_RETURN(in.checkpoints, model::read_checkpoints(args.model));
  if (in.checkpoints.size() == 1 && in.method == model::AttributionMethod::kInfluence) {
    say("note: one checkpoint only; --keep 5 trains again and keeps five on the way, --halves 8 "
        "trains on random halves of the texts: both find more");
  }
  return in;
}

// Bytes that are not UTF-8 become U+FFFD.
std::string dump(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

ordered_json contributors_of(const model::Attribution& one) {
  ordered_json out = ordered_json::array();
  for (const std::size_t c :
       model::ranking(std::vector<std::int64_t>(one.paid.begin(), one.paid.end()))) {
    if (one.paid[c] > 0) out.push_back({{"contributor", c}, {"paid", one.paid[c]}});
  }
  return out;
}

void print_json(const AttributeArgs& args, const Inputs& in, const model::AttributionAnswer& made) {
  ordered_json steps = ordered_json::array();
  for (const model::Checkpoint& c : in.checkpoints) steps.push_back(c.step);
  ordered_json rows = ordered_json::array();
  for (std::size_t q = 0; q < in.queries.size(); ++q) {
    ordered_json texts = ordered_json::array();
    for (const auto& [at, score] : made.queries[q].best) {
      texts.push_back({{"document", at},
                       {"contributor", in.documents[at].contributor},
                       {"score", score},
                       {"text", in.documents[at].text}});
    }
    rows.push_back({{"prompt", in.queries[q].prompt},
                    {"answer", in.queries[q].answer},
                    {"documents", texts},
                    {"contributors", contributors_of(made.queries[q])}});
  }
  fmt::print("{}\n", dump({{"schema", "orrery.attribute/1"},
                           {"method", model::method_name(made.method)},
                           {"corpus", args.corpus},
                           {"documents", in.documents.size()},
                           {"copies", made.copies},
                           {"checkpoints", steps},
                           {"score_one", std::uint64_t{1} << 32},
                           {"paid_of", model::kAttributionUnits},
                           {"queries", rows}}));
}

void print_text(const Inputs& in, const model::AttributionAnswer& made) {
  constexpr std::size_t kShown = 60;  // bytes of a text
  constexpr std::size_t kPaid = 3;
  for (std::size_t q = 0; q < in.queries.size(); ++q) {
    fmt::print("{}[{}]\n", in.queries[q].prompt, in.queries[q].answer);
    for (const auto& [at, score] : made.queries[q].best) {
      const model::Document& d = in.documents[at];
      fmt::print("  {:>16}  document {:<6} contributor {:<4} {}{}\n", score, at, d.contributor,
                 d.text.substr(0, kShown), d.text.size() > kShown ? "..." : "");
    }
    std::size_t shown = 0;
    for (const auto& row : contributors_of(made.queries[q])) {
      if (shown++ == kPaid) break;
      fmt::print("  contributor {:<4} is paid {:>7} of {}\n", row["contributor"].dump(),
                 row["paid"].dump(), model::kAttributionUnits);
    }
  }
  if (made.copies > 0) say(fmt::format("{} documents are copies of others", made.copies));
}

Status run(const AttributeArgs& args) {
  model::ThreadPool pool(args.threads);
  ASSIGN_OR_RETURN(const model::ChosenAccelerator device, model::choose_accelerator(args.device));
  if (!device.note.empty()) say(device.note);
  const model::Workers workers{&pool, device.accelerator.get()};
  ASSIGN_OR_RETURN(const Inputs in, read_inputs(args, workers));
  const auto heard = [](std::size_t done, std::size_t of) {
    show_count("attribute", done, of, "gradients", "in all");
  };
  const model::AttributionTask task{in.checkpoints, in.documents, in.queries, heard};
  ASSIGN_OR_RETURN(const model::AttributionAnswer made,
                   model::attribute(in.method, task, args.top, workers));
  clear_count();
  if (made.method != in.method) {
    say("note: so many gradients of so many parameters are projected (method logra)");
  }
  if (args.json) {
    print_json(args, in, made);
  } else {
    print_text(in, made);
  }
  return {};
}

}  // namespace

void add_attribute_verb(CLI::App& app, AttributeArgs& args) {
  CLI::App* verb = app.add_subcommand(
      "attribute", "Say which training texts an answer is owed to, and whom that pays");
  verb->add_option("model", args.model, "Folder of a trained model (suffix and knn-shapley: none)");
  verb->add_option("--corpus", args.corpus,
                   "What it was trained on: small, medium, large (as `model train` does), or a "
                   "folder with documents.jsonl");
  verb->add_option("--method", args.method,
                   "influence, logra, graddot, tracin, trak, suffix or knn-shapley");
  verb->add_option("--query", args.query, "The text to explain, as it stands after --prompt");
  verb->add_option("--prompt", args.prompt, "What stood before it and is not to be explained");
  verb->add_option("--queries", args.queries, "Many: a file of {\"prompt\", \"answer\"} a line");
  verb->add_option("--top", args.top, "Texts to show of each query")->check(CLI::Range(1, 1000));
  verb->add_option("--keep", args.keep,
                   "Train the model again and keep so many checkpoints on the way (5 does well)")
      ->check(CLI::Range(1, 64));
  verb->add_option("--halves", args.halves,
                   "Train so many models on random halves of the texts and ask these (8 or more do "
                   "best); they are kept in the model's folder")
      ->check(CLI::Range(1, 64))
      ->excludes("--keep");
  verb->add_option("--device", args.device, "cpu, cuda or auto; scores do not depend on it");
  verb->add_option("--seed", args.seed, "That it was trained with");
  verb->add_option("--threads", args.threads, "Threads; scores do not depend on them")
      ->check(CLI::Range(1, 256));
  verb->add_flag("--json", args.json, "One JSON object on standard output; scores are integers");
  verb->footer(
      "Example: orrery attribute model --keep 5 --prompt 'kiporu has radav ' --query kuveno");
}

std::optional<int> dispatch_attribute(const std::string& verb, const AttributeArgs& args) {
  if (verb != "attribute") return std::nullopt;
  const Status status = run(args);
  if (status) return kHeld;
  complain(status.error().message);
  return status.error().code == ErrorCode::kRefused ? kNondeterminism : exit_code(status.error());
}

}  // namespace orrery::cli
