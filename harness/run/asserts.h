// Judges a scenario's asserts from the samples of its metrics.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/time.h"
#include "scenarios/schema/scenario.h"

namespace orrery::run {

class Asserts {
 public:
  struct Verdict {
    bool decided = false;
    bool ok = false;
    bool early = false;  // decided before the run ended
    std::string seen;  // the value and instant that decided
  };

  explicit Asserts(const std::vector<scenario::AssertSpec>& specs);

  // Instants at which a sample decides something: starts and ends of `eventually` windows.
  std::vector<Time> instants() const;
  void sample(Time now, const std::map<std::string, double>& metrics);
  // Decides what is still open; `metrics` are those of the end.
  void finish(Time now, const std::map<std::string, double>& metrics);

  const std::vector<scenario::AssertSpec>& specs() const { return specs_; }
  const std::vector<Verdict>& verdicts() const { return verdicts_; }

 private:
  void decide(std::size_t i, bool ok, Time now, double value);
  bool holds(std::size_t i, double value) const;
  Time deadline(const scenario::AssertSpec& spec) const;

  std::vector<scenario::AssertSpec> specs_;
  std::vector<Verdict> verdicts_;
  bool finishing_ = false;
  std::vector<std::optional<double>> start_;  // value at the start of an `increases` window
};

}  // namespace orrery::run
