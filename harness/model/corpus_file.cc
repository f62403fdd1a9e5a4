#include "harness/model/corpus_file.h"

#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "harness/model/json_text.h"
#include "harness/model/zoo.h"

namespace orrery::model {
namespace {

using nlohmann::json;

auto broken(const std::string& where, const std::string& what) {
  return fail(ErrorCode::kMalformed, where + ": " + what);
}

// Calls `take` with each line that is not empty.
Status each_line(const std::string& path,
                 const std::function<Status(const json&, const std::string& where)>& take) {
  ASSIGN_OR_RETURN(const std::string text, read_text_file(path));
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    const std::string where = fmt::format("{}:{}", path, ++number);
    if (number > kMaxCorpusLines) {
      return fail(ErrorCode::kLimit, fmt::format("{}: more than {} lines", path, kMaxCorpusLines));
    }
    at = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    ASSIGN_OR_RETURN(const json object, parse_json(line, where));
    if (!object.is_object()) return broken(where, "expected a JSON object");
    TRY(take(object, where));
  }
  return {};
}

Result<std::string> text_of(const json& object, const char* key, const std::string& where) {
  const auto at = object.find(key);
  if (at == object.end() || !at->is_string()) {
    return broken(where, fmt::format("expected a text under the key \"{}\"", key));
  }
  return at->get<std::string>();
}

bool is_u32(const json& value) {
  return value.is_number_unsigned() && value.get<std::uint64_t>() <= 0xffff'ffffu;
}

}  // namespace

Result<std::vector<Document>> read_documents(const std::string& path) {
  // Payouts keep a number a contributor up to the highest.
  constexpr std::uint32_t kMaxContributor = 1'000'000;
  std::vector<Document> out;
  TRY(each_line(path, [&](const json& object, const std::string& where) -> Status {
    Document d;
    ASSIGN_OR_RETURN(d.text, text_of(object, "text", where));
    const auto owner = object.find("contributor");
    if (owner == object.end() || !is_u32(*owner) || owner->get<std::uint32_t>() > kMaxContributor) {
      return broken(where, fmt::format("expected a number up to {} under the key \"contributor\"",
                                       kMaxContributor));
    }
    d.contributor = owner->get<std::uint32_t>();
    if (const auto facts = object.find("facts"); facts != object.end()) {
      if (!facts->is_array()) return broken(where, "expected a list under the key \"facts\"");
      for (const json& fact : *facts) {
        if (!is_u32(fact)) return broken(where, "expected numbers under the key \"facts\"");
        d.facts.push_back(fact.get<std::uint32_t>());
      }
    }
    if (d.text.empty()) return broken(where, "the text is empty");
    out.push_back(std::move(d));
    return {};
  }));
  if (out.empty()) return broken(path, "no documents");
  return out;
}

Result<std::vector<Query>> read_queries(const std::string& path) {
  std::vector<Query> out;
  TRY(each_line(path, [&](const json& object, const std::string& where) -> Status {
    Query q;
    if (object.contains("prompt")) {
      ASSIGN_OR_RETURN(q.prompt, text_of(object, "prompt", where));
    }
    ASSIGN_OR_RETURN(q.answer, text_of(object, "answer", where));
    if (q.answer.empty()) return broken(where, "the answer is empty");
    out.push_back(std::move(q));
    return {};
  }));
  if (out.empty()) return broken(path, "no queries");
  return out;
}

Result<std::vector<Document>> corpus_documents(const std::string& name_or_folder) {
  if (std::filesystem::is_directory(name_or_folder)) {
    return read_documents(name_or_folder + "/documents.jsonl");
  }
  if (!corpus_size(name_or_folder)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no corpus {:?}: take small, medium, large, or a folder with "
                            "documents.jsonl",
                            name_or_folder));
  }
  ASSIGN_OR_RETURN(SplitCorpus split, zoo_corpus(name_or_folder));
  return std::move(split.training.documents);
}

}  // namespace orrery::model
