// Small test beds of attribution: a planted corpus as examples for a model that reads words, not
// bytes, so that it can be trained again hundreds of times in minutes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "gpu/api/f32_model.h"
#include "harness/model/attribution.h"
#include "harness/model/corpus.h"

namespace orrery::model {

// Numbers for the words of a corpus. A word is a run of letters; any other character but a space is
// a word by itself.
class WordList {
 public:
  // The known words of `text`; new ones are added.
  std::vector<std::uint32_t> tokens(std::string_view text);
  // At least gpu::kByteVocab, the smallest a model may have.
  std::uint32_t vocab() const;

 private:
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
};

struct WordBed {
  std::string name;
  Corpus corpus;
  gpu::ModelConfig config;
  std::vector<Example> documents;  // BOS, words, EOS
  std::vector<Example> queries;    // only the answer's words count
};

// "plain": 240 texts of 12 contributors, each fact with an answer of its own; "shared": every
// answer is that of two facts of different contributors, so that only what stands before it says
// whose it is; "wide": as plain, of 24 contributors. Facts are told in both forms, but for a
// quarter.
std::vector<std::string> word_bed_names();
// kInvalidArgument with the names there are. A function of name and seed alone.
Result<WordBed> make_word_bed(const std::string& name, std::uint64_t seed);
// The bed of any corpus.
WordBed make_word_bed(std::string name, Corpus corpus);

}  // namespace orrery::model
