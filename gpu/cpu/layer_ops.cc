#include "gpu/cpu/layer_ops.h"

#include "gpu/api/exact/attention.h"
#include "gpu/api/exact/row.h"

namespace orrery::gpu::ops {

using exact::SoftScale;

Row flatten(const QuantRow& row) {
  Row out(row.q.begin(), row.q.end());
  out.push_back(static_cast<std::int32_t>(row.scale.m));
  out.push_back(row.scale.e);
  return out;
}

QuantRow unflatten(const Row& row) {
  const std::size_t n = row.size() - 2;
  QuantRow out{{}, {static_cast<std::uint32_t>(row[n]), row[n + 1]}};
  for (std::size_t i = 0; i < n; ++i) out.q.push_back(static_cast<std::int8_t>(row[i]));
  return out;
}

QuantRow quantise(const Row& u) {
  QuantRow out{std::vector<std::int8_t>(u.size()), {}};
  out.scale = exact::quantise_row(u.data(), static_cast<std::int32_t>(u.size()), -16, out.q.data());
  return out;
}

Row embed(const ModelArtefact& model, std::uint32_t token, std::uint32_t position) {
  const std::size_t dim = model.config.dim;
  const std::int32_t* from = model.embedding.data() + token * dim;
  const Row row(from, from + dim);
  if (model.config.family == Family::kLlama) return row;
  const std::int32_t* place = model.positions.data() + position * dim;
  return add(row, Row(place, place + dim));
}

QuantRow norm(const Row& x, const Norm& norm) {
  const auto n = static_cast<std::int32_t>(x.size());
  std::vector<std::int64_t> wide(x.size());
  if (norm.bias.empty()) {
    QuantRow out{std::vector<std::int8_t>(x.size()), {}};
    out.scale = exact::norm_quantise_row(x.data(), norm.gain.data(), n, wide.data(), out.q.data());
    return out;
  }
  Row y(x.size());
  std::uint64_t clamps = 0;
  exact::layer_norm_row(x.data(), norm.gain.data(), norm.bias.data(), n, wide.data(), y.data(),
                        clamps);
  return quantise(y);
}

namespace {

// An output in Q16 from its accumulator.
std::int32_t finish(const Projection& projection, SoftScale in, std::int32_t acc, std::uint32_t n) {
  std::uint64_t clamps = 0;
  const std::int32_t y =
      exact::saturate32(exact::requantise(acc, in, projection.matrix.scales()[n]), clamps);
  return projection.bias.empty() ? y : exact::residual_add(y, projection.bias[n], clamps);
}

}  // namespace

std::int32_t project_element(const Projection& projection, const QuantRow& in, std::uint32_t n) {
  std::int32_t acc = 0;
  for (std::uint32_t k = 0; k < projection.matrix.cols(); ++k) {
    acc += in.q[k] * projection.matrix.at(n, k);
  }
  return finish(projection, in.scale, acc, n);
}

Row project(const Projection& projection, const QuantRow& in) {
  Row out;
  for (std::uint32_t n = 0; n < projection.matrix.rows(); ++n) {
    out.push_back(project_element(projection, in, n));
  }
  return out;
}

Row from_products(const Projection& projection, SoftScale in, const std::int32_t* products) {
  Row out;
  for (std::uint32_t n = 0; n < projection.matrix.rows(); ++n) {
    out.push_back(finish(projection, in, products[n], n));
  }
  return out;
}

Row rotate(const ModelArtefact& model, Row qkv, std::uint32_t position) {
  if (model.config.family == Family::kGpt2) return qkv;
  const std::uint32_t width = model.config.head_dim();
  const std::uint32_t half = width / 2;
  std::uint64_t clamps = 0;
  for (std::uint32_t start = 0; start < 2 * model.config.dim; start += width) {
    exact::rotate_head(qkv.data() + start, static_cast<std::int32_t>(half),
                       model.rope.cosine.data() + std::size_t{position} * half,
                       model.rope.sine.data() + std::size_t{position} * half, clamps);
  }
  return qkv;
}

Row add(const Row& a, const Row& b) {
  Row out(a.size());
  std::uint64_t clamps = 0;
  for (std::size_t i = 0; i < a.size(); ++i) out[i] = exact::residual_add(a[i], b[i], clamps);
  return out;
}

Row attend_head(const ModelArtefact& model, std::span<const Row> rows, std::uint32_t head) {
  const std::uint32_t dim = model.config.dim;
  const std::uint32_t width = model.config.head_dim();
  const auto part = [&](const Row& row, std::uint32_t which) {
    const auto begin = row.begin() + static_cast<std::ptrdiff_t>(which * dim + head * width);
    return Row(begin, begin + width);
  };
  const QuantRow query = quantise(part(rows.back(), 0));
  const SoftScale scale = exact::soft_mul(
      query.scale, exact::soft_mul(exact::kLog2E, exact::soft_inverse(exact::soft_sqrt(width))));
  std::uint64_t clamps = 0;
  Row weights;
  for (const Row& row : rows) {
    const QuantRow key = quantise(part(row, 1));
    std::int32_t dot = 0;
    for (std::uint32_t i = 0; i < width; ++i) dot += query.q[i] * key.q[i];
    weights.push_back(exact::saturate32(exact::requantise(dot, scale, key.scale), clamps));
  }
  const std::int32_t total = exact::softmax_q15(
      weights.data(), static_cast<std::int32_t>(weights.size()), exact::exp2_table());
  Row out(width);
  for (std::size_t t = 0; t < rows.size(); ++t) {
    const Row value = part(rows[t], 2);
    for (std::uint32_t i = 0; i < width; ++i) {
      out[i] += weights[t] * exact::value_q10(value[i], clamps);
    }
  }
  for (std::int32_t& o : out) o = exact::weighted_mean(o, total);
  return out;
}

Row attend(const ModelArtefact& model, std::span<const Row> rows) {
  Row out;
  for (std::uint32_t head = 0; head < model.config.heads; ++head) {
    const Row part = attend_head(model, rows, head);
    out.insert(out.end(), part.begin(), part.end());
  }
  return out;
}

Row act(const ModelArtefact& model, const Row& gate_up) {
  const std::size_t hidden = model.config.hidden;
  Row out(hidden);
  std::uint64_t clamps = 0;
  for (std::size_t i = 0; i < hidden; ++i) {
    out[i] =
        model.config.family == Family::kGpt2
            ? exact::silu(gate_up[i], exact::gelu_table())
            : exact::gate_product(gate_up[i], gate_up[hidden + i], exact::sigmoid_table(), clamps);
  }
  return out;
}

}  // namespace orrery::gpu::ops
