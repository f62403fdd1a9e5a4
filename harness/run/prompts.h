// What the users of a load stream ask. A model that grew from a seed understands nothing and gets
// plain words; a trained one is asked in the language it was trained on.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/random.h"
#include "engine/base/result.h"

namespace orrery::run {

class Prompts {
 public:
  // For a model of the scenario, by its generator. kInvalidArgument if the zoo does not know it.
  static Result<Prompts> make(const std::string& generator);

  // Seeded models: exactly `bytes` bytes of words. Trained ones: whole words that follow each other
  // in a text that the model was not trained on, at most `bytes` bytes of them; the first `bytes`
  // bytes of a word if none fits. bytes >= 1.
  Bytes draw(RandomStream& random, std::size_t bytes) const;

 private:
  std::vector<std::string> texts_;  // held out; empty for seeded models
};

}  // namespace orrery::run
