#include "protocol/models/registry.h"

#include "engine/base/codec.h"

namespace orrery::chain {
namespace {

constexpr std::size_t kMaxModelName = 64;

std::string model_path(const Hash256& digest) { return "/models/" + to_hex(digest); }

Status genesis(ExecContext& ctx, const Genesis& genesis) {
  for (const GenesisModel& model : genesis.models) {
    if (model.name.empty() || model.name.size() > kMaxModelName) {
      return fail(ErrorCode::kInvalidArgument, "a model's name has 1 to 64 bytes");
    }
    ctx.state.set(model_path(model.digest),
                  Writer().text(model.name).array(model.owner.bytes).take());
  }
  return {};
}

}  // namespace

std::optional<ModelRecord> model_record(const StateTree& state, const Hash256& digest) {
  const auto value = state.get(model_path(digest));
  if (!value) return std::nullopt;
  Reader in(*value);
  ModelRecord record;
  record.name = in.text(kMaxModelName);
  record.owner = Address{in.array<20>()};
  ENSURE(in.finish().has_value(), "a model record is written by us alone");
  return record;
}

Module models_module() {
  return {.name = "models", .state_paths = {"/models/"}, .genesis = genesis};
}

}  // namespace orrery::chain
