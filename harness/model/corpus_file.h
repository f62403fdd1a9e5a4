// Planted texts as they lie on disk, and texts of one's own in the same form.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "harness/model/corpus.h"

namespace orrery::model {

inline constexpr std::size_t kMaxCorpusLines = 1'000'000;

// A JSON object a line: {"contributor": 0, "text": "...", "facts": [0]}; "facts" may be missing,
// and other keys are ignored. In the order of registration. kNotFound, kIo, or kMalformed with the
// line.
Result<std::vector<Document>> read_documents(const std::string& path);

// {"prompt": "...", "answer": "..."} a line; "prompt" may be missing. What else write_corpus() says
// of a query is ignored. Errors as above.
Result<std::vector<Query>> read_queries(const std::string& path);

// documents.jsonl of a folder, or the documents that the zoo trains on: "small", "medium", "large".
Result<std::vector<Document>> corpus_documents(const std::string& name_or_folder);

}  // namespace orrery::model
