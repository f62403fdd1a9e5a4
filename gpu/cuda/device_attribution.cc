#include "gpu/cuda/device_attribution.h"

#include "engine/base/ensure.h"
#include "gpu/cuda/arena.h"

namespace orrery::gpu {
namespace {

template <class T>
ByteView bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()};
}

// Operands and result of one kernel.
class Workplace {
 public:
  explicit Workplace(Accelerator& accelerator) : accelerator_(accelerator) {}

  template <class T>
  Result<T*> take(std::size_t count) {
    ASSIGN_OR_RETURN(Arena arena, Arena::make(accelerator_, count * sizeof(T)));
    arenas_.push_back(std::move(arena));
    return reinterpret_cast<T*>(arenas_.back().memory());
  }
  template <class T>
  Result<T*> put(std::span<const T> values) {
    ASSIGN_OR_RETURN(T * memory, take<T>(values.size()));
    accelerator_.upload(memory, bytes_of(values));
    return memory;
  }
  // Rows padded with zeros to `stride`, and their number to a multiple of `group`.
  Result<std::int8_t*> put_padded(const QuantisedRows& rows, std::uint32_t stride,
                                  std::uint32_t group) {
    ASSIGN_OR_RETURN(std::int8_t * memory,
                     take<std::int8_t>(std::size_t{round_up(rows.rows, group)} * stride));
    for (std::uint32_t r = 0; r < rows.rows; ++r) {
      accelerator_.upload(memory + std::size_t{r} * stride,
                          bytes_of(rows.values.subspan(std::size_t{r} * rows.width, rows.width)));
    }
    return memory;
  }
  template <class T>
  Result<std::vector<T>> fetch(const T* from, std::size_t count) {
    std::vector<T> to(count);
    accelerator_.download({reinterpret_cast<std::uint8_t*>(to.data()), count * sizeof(T)}, from);
    TRY(accelerator_.finish());
    return to;
  }

 private:
  Accelerator& accelerator_;
  std::vector<Arena> arenas_;
};

}  // namespace

Result<std::vector<std::int32_t>> project_signs(Accelerator& accelerator,
                                                const QuantisedRows& gradients,
                                                std::uint32_t columns, std::uint64_t seed) {
  ENSURE(columns > 0 && columns % exact::kSignsADraw == 0, "columns are whole draws");
  ENSURE(gradients.width < 1u << 24, "sums fit 32 bits");
  Workplace place(accelerator);
  const std::size_t count = std::size_t{gradients.rows} * columns;
  ASSIGN_OR_RETURN(const std::int8_t* q, place.put(gradients.values));
  ASSIGN_OR_RETURN(std::int32_t * out, place.take<std::int32_t>(count));
  accelerator.run(bodies::SignProjection{q, gradients.rows, gradients.width, columns, seed, out});
  return place.fetch(out, count);
}

Result<std::vector<std::int64_t>> gram(Accelerator& accelerator, const QuantisedRows& a,
                                       const QuantisedRows& b) {
  ENSURE(a.width == b.width, "rows of one width");
  Workplace place(accelerator);
  const std::uint32_t stride = round_up(a.width, kProductPadding);
  const std::size_t count = std::size_t{a.rows} * b.rows;
  ASSIGN_OR_RETURN(const std::int8_t* left, place.put_padded(a, stride, 1));
  ASSIGN_OR_RETURN(const std::int8_t* right,
                   place.put_padded(b, stride, bodies::GramColumn::kRows));
  ASSIGN_OR_RETURN(std::int64_t * out, place.take<std::int64_t>(count));
  accelerator.run(bodies::GramColumn{left, right, a.rows, b.rows, stride, out});
  return place.fetch(out, count);
}

Result<std::vector<float>> gram(Accelerator& accelerator, const FloatRows& a, const FloatRows& b) {
  ENSURE(a.width == b.width, "rows of one width");
  Workplace place(accelerator);
  const std::size_t count = std::size_t{a.rows} * b.rows;
  ASSIGN_OR_RETURN(const float* left, place.put(a.values));
  ASSIGN_OR_RETURN(const float* right, place.put(b.values));
  ASSIGN_OR_RETURN(float* out, place.take<float>(count));
  accelerator.run(bodies::F32Gram{left, right, a.rows, b.rows, a.width, out});
  return place.fetch(out, count);
}

Result<std::vector<std::uint32_t>> best_scores(Accelerator& accelerator, const ScoreRows& scores,
                                               std::uint32_t k) {
  ENSURE(k >= 1 && k <= scores.columns, "no more of the best than there are");
  Workplace place(accelerator);
  const std::size_t count = std::size_t{scores.rows} * k;
  ASSIGN_OR_RETURN(const std::int64_t* values, place.put(scores.values));
  ASSIGN_OR_RETURN(std::uint32_t * best, place.take<std::uint32_t>(count));
  accelerator.run(bodies::BestScores{values, scores.rows, scores.columns, k, best});
  return place.fetch(best, count);
}

}  // namespace orrery::gpu
