#include "harness/model/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "gpu/cpu/batch_decoder.h"

namespace orrery::model {
namespace {

using Real = std::vector<double>;

// The architecture in double precision, one token at a time.
class Reference {
 public:
  explicit Reference(const gpu::F32Model& model)
      : model_(model), c_(model.config), layout_(model.config), cache_(c_.layers) {}

  void restart() {
    for (auto& layer : cache_) layer.clear();
    position_ = 0;
  }

  Real append(std::uint32_t token) {
    const float* row = at(layout_.embedding) + std::size_t{token} * c_.dim;
    Real x(row, row + c_.dim);
    for (std::uint32_t l = 0; l < c_.layers; ++l) {
      const gpu::LayerOffsets& w = layout_.layers[l];
      add(x, times(w.out, c_.dim, attend(l, times(w.qkv, 3 * c_.dim, norm(x, w.attention_norm)))));
      Real gate = times(w.gate_up, 2 * c_.hidden, norm(x, w.mlp_norm));
      for (std::uint32_t i = 0; i < c_.hidden; ++i) {
        gate[i] *= gate[c_.hidden + i] / (1 + std::exp(-gate[i]));
      }
      gate.resize(c_.hidden);
      add(x, times(w.down, c_.dim, gate));
    }
    ++position_;
    return times(layout_.head, c_.vocab, norm(x, layout_.final_norm));
  }

 private:
  const float* at(std::size_t offset) const { return model_.values.data() + offset; }
  static void add(Real& x, const Real& y) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  }
  Real times(std::size_t offset, std::uint32_t rows, const Real& x) const {
    Real y(rows);
    for (std::uint32_t n = 0; n < rows; ++n) {
      const float* w = at(offset) + std::size_t{n} * x.size();
      double sum = 0;
      for (std::size_t k = 0; k < x.size(); ++k) sum += static_cast<double>(w[k]) * x[k];
      y[n] = sum;
    }
    return y;
  }
  Real norm(const Real& x, std::size_t gain) const {
    double squares = 0;
    for (const double v : x) squares += v * v;
    const double inverse = 1 / std::sqrt(squares / static_cast<double>(x.size()) + 1e-5);
    Real y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      y[i] = x[i] * inverse * static_cast<double>(at(gain)[i]);
    }
    return y;
  }
  void rotate(double* x) const {
    const std::uint32_t half = c_.head_dim() / 2;
    for (std::uint32_t i = 0; i < half; ++i) {
      const double angle = position_ * std::pow(10000.0, -static_cast<double>(i) / half);
      const double a = x[i];
      const double b = x[i + half];
      x[i] = a * std::cos(angle) - b * std::sin(angle);
      x[i + half] = a * std::sin(angle) + b * std::cos(angle);
    }
  }
  Real attend(std::uint32_t layer, Real qkv) {
    const std::uint32_t width = c_.head_dim();
    for (std::uint32_t start = 0; start < 2 * c_.dim; start += width) rotate(&qkv[start]);
    cache_[layer].push_back(qkv);
    Real out(c_.dim);
    for (std::uint32_t start = 0; start < c_.dim; start += width) {
      Real weights;
      for (const Real& past : cache_[layer]) {
        double dot = 0;
        for (std::uint32_t i = start; i < start + width; ++i) dot += qkv[i] * past[c_.dim + i];
        weights.push_back(dot / std::sqrt(static_cast<double>(width)));
      }
      const double top = *std::max_element(weights.begin(), weights.end());
      double sum = 0;
      for (double& w : weights) sum += w = std::exp(w - top);
      for (std::size_t t = 0; t < weights.size(); ++t) {
        const Real& past = cache_[layer][t];
        for (std::uint32_t i = start; i < start + width; ++i) {
          out[i] += weights[t] / sum * past[2 * c_.dim + i];
        }
      }
    }
    return out;
  }

  const gpu::F32Model& model_;
  const gpu::ModelConfig c_;
  const gpu::F32Layout layout_;
  std::vector<std::vector<Real>> cache_;  // layer, position: queries, keys and values
  std::uint32_t position_ = 0;
};

// Logits to log probabilities.
void log_softmax(Real& z) {
  const double top = *std::max_element(z.begin(), z.end());
  double sum = 0;
  for (const double v : z) sum += std::exp(v - top);
  const double log_sum = top + std::log(sum);
  for (double& v : z) v -= log_sum;
}

std::size_t likeliest(const Real& z) {
  return static_cast<std::size_t>(std::max_element(z.begin(), z.end()) - z.begin());
}

// Log probabilities of exact-i8 after each token of a text.
std::vector<Real> exact_text(gpu::BatchDecoder& decoder, const gpu::ModelArtefact& artefact,
                             std::span<const std::uint32_t> text, std::uint64_t& clamps) {
  gpu::Sequence sequence(artefact.config, static_cast<std::uint32_t>(text.size()));
  const gpu::Feed feed{&sequence, text};
  decoder.step({&feed, 1});
  std::vector<std::uint32_t> rows(decoder.rows());
  for (std::uint32_t r = 0; r < rows.size(); ++r) rows[r] = r;
  decoder.project_logits(rows);
  std::vector<Real> out;
  for (const std::uint32_t r : rows) {
    Real z;
    for (const std::int32_t q : decoder.logits(r)) z.push_back(q / 65536.0);
    log_softmax(z);
    out.push_back(std::move(z));
  }
  clamps += sequence.clamps;
  return out;
}

}  // namespace

double Evaluation::reference_perplexity() const { return std::exp(reference_nats); }
double Evaluation::exact_perplexity() const { return std::exp(exact_nats); }

Result<Evaluation> evaluate(const gpu::F32Model& model, const gpu::ModelArtefact& artefact,
                            std::span<const std::uint32_t> tokens) {
  if (model.config != artefact.config) {
    return fail(ErrorCode::kInvalidArgument, "float model and artefact have different shapes");
  }
  if (tokens.size() < 2) return fail(ErrorCode::kInvalidArgument, "fewer than two tokens");
  for (const std::uint32_t t : tokens) {
    if (t < model.config.vocab) continue;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("token {} is beyond the vocabulary of {}", t, model.config.vocab));
  }
  const std::uint32_t context = model.config.context;
  gpu::BatchDecoder decoder(artefact, gpu::available_kernels().back(),
                            {.max_rows = context, .max_length = context});
  Reference reference(model);
  Evaluation sum;
  std::uint64_t agreed = 0;
  for (std::size_t at = 0; at + 1 < tokens.size(); at += context) {
    const auto text = tokens.subspan(at, std::min<std::size_t>(context, tokens.size() - at));
    const std::vector<Real> exact = exact_text(decoder, artefact, text, sum.clamps);
    reference.restart();
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
      Real want = reference.append(text[i]);
      log_softmax(want);
      const Real& got = exact[i];
      sum.reference_nats -= want[text[i + 1]];
      sum.exact_nats -= got[text[i + 1]];
      for (std::size_t n = 0; n < want.size(); ++n) {
        sum.mean_kl += std::exp(want[n]) * (want[n] - got[n]);
      }
      agreed += likeliest(want) == likeliest(got);
      ++sum.tokens;
    }
  }
  const auto count = static_cast<double>(sum.tokens);
  sum.reference_nats /= count;
  sum.exact_nats /= count;
  sum.mean_kl /= count;
  sum.top1_agreement = static_cast<double>(agreed) / count;
  return sum;
}

}  // namespace orrery::model
