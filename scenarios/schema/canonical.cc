#include "scenarios/schema/canonical.h"

#include <nlohmann/json.hpp>

#include "engine/base/integer.h"
#include "scenarios/schema/fields.h"
#include "scenarios/schema/selector.h"
#include "scenarios/schema/trained_models.h"
#include "scenarios/schema/values.h"

namespace orrery::scenario {
namespace {

using nlohmann::json;  // objects are std::map: keys come out sorted

json distribution(const DistributionSpec& d) {
  return {{"kind", static_cast<int>(d.kind)}, {"a", d.a},     {"b", d.b},
          {"shape_q32", d.shape_q32},         {"min", d.min}, {"max", d.max}};
}

json value_json(const Field& field, const Value& value) {
  switch (field.type) {
    case Type::kBoolean: return value.integer != 0;
    case Type::kChoice: return format_value(field, value, {});
    case Type::kMoney: return to_decimal(value.integer);
    case Type::kDurationDistribution:
    case Type::kSizeDistribution:
    case Type::kCountDistribution: return distribution(value.distribution);
    default: break;
  }
  if (field.type != Type::kTime && !dimension_of(field.type)) return value.text;
  if (value.integer < 0) return static_cast<std::int64_t>(value.integer);
  return static_cast<std::uint64_t>(value.integer);
}

// Every field of `target`, which is of the struct that `section` describes.
json section_json(const Section& section, const void* target) {
  json out = json::object();
  for (const Field& field : section.fields) {
    if (field.type == Type::kSection) {
      out[std::string(field.name)] = section_json(*field.section, field.sub_const(target));
    } else if (field.get != nullptr) {
      out[std::string(field.name)] = value_json(field, field.get(target));
    }
  }
  return out;
}

json link(const LinkSpec& l) {
  return {{"latency", distribution(l.latency)},
          {"loss_ppm", l.loss_ppm},
          {"duplicate_ppm", l.duplicate_ppm},
          {"bytes_per_second", l.bytes_per_second},
          {"jitter_ns", l.jitter.ns},
          {"reorder_ppm", l.reorder_ppm},
          {"reorder_window_ns", l.reorder_window.ns},
          {"corrupt_ppm", l.corrupt_ppm},
          {"queue_bytes", l.queue_bytes}};
}

json topology(const TopologySpec& t) {
  json edges = json::array();
  for (const TopologySpec::Edge& e : t.edges) edges.push_back({e.from, e.to, e.latency.ns});
  return {{"kind", static_cast<int>(t.kind)},
          {"degree", t.degree},
          {"rewire_ppm", t.rewire_ppm},
          {"attach", t.attach},
          {"edges", edges}};
}

json node(const NodeSpec& n) {
  return {{"name", n.name},
          {"group", n.group},
          {"role", role_name(n.role)},
          {"stake", to_decimal(n.stake)},
          {"balance", to_decimal(n.balance)},
          {"device", n.device},
          {"region", n.region},
          {"clock_offset_ns", n.clock_offset.ns},
          {"clock_drift_ppb", n.clock_drift_ppb},
          {"uplink_bytes_per_second", n.uplink_bytes_per_second},
          {"behaviour", n.behaviour}};
}

json model(const ModelSpec& m) {
  json out = {{"name", m.name},   {"generator", m.generator}, {"weights_seed", m.weights_seed},
              {"dim", m.dim},     {"hidden", m.hidden},       {"layers", m.layers},
              {"heads", m.heads}, {"context", m.context},     {"owner", m.owner}};
  // The weights of a trained model follow from no other key.
  const TrainedModel* trained = trained_model(m.generator);
  if (trained != nullptr) out["artefact"] = trained->artefact;
  return out;
}

json device(const DeviceSpec& d) {
  return {{"name", d.name},
          {"job_overhead_ns", d.job_overhead.ns},
          {"work_units_per_second", d.work_units_per_second},
          {"cpu_message_ns", d.cpu_message.ns},
          {"cpu_byte_ns", d.cpu_byte.ns},
          {"cpu_timer_ns", d.cpu_timer.ns},
          {"cpu_request_ns", d.cpu_request.ns},
          {"cpu_completion_ns", d.cpu_completion.ns},
          {"cpu_session_ns", d.cpu_session.ns}};
}

json load(const LoadSpec& l) {
  return {{"name", l.name},
          {"users", l.users},
          {"kind", l.kind},
          {"mean_interval_ns", l.mean_interval_ns},
          {"start_ns", l.start.ns},
          {"stop_ns", l.stop.ns},
          {"model", l.model},
          {"prompt_bytes", distribution(l.prompt_bytes)},
          {"output_tokens", distribution(l.output_tokens)},
          {"priority", l.priority},
          {"amount", to_decimal(l.amount)}};
}

json fault(const FaultSpec& f) {
  return {{"id", f.id},
          {"name", f.name},
          {"kind", static_cast<int>(f.kind)},
          {"at_ns", f.at.ns},
          {"duration_ns", f.duration.ns},
          {"targets", f.targets},
          {"sides", f.sides},
          {"from", f.from},
          {"to", f.to},
          {"disk_loss", static_cast<int>(f.disk_loss)},
          {"behaviour", f.behaviour},
          {"clock", static_cast<int>(f.clock)},
          {"offset_ns", f.offset.ns},
          {"drift_ppb", f.drift_ppb},
          {"error_ns", f.error.ns},
          {"link", link(f.link)},
          {"disk", static_cast<int>(f.disk)},
          {"share_ppm", f.share_ppm},
          {"delay_ns", f.delay.ns},
          {"unnoticed", f.unnoticed},
          {"swizzle", f.swizzle},
          {"every_ns", f.every.ns},
          {"away", distribution(f.away)}};
}

// `text` is left out: it holds the spacing of the file.
json assertion(const AssertSpec& a) {
  return {{"name", a.name},
          {"kind", static_cast<int>(a.kind)},
          {"metric", a.metric},
          {"op", a.op},
          {"value", a.value},
          {"within_ns", a.within.ns},
          {"after", a.after.starts_with("t+") ? "" : a.after},
          {"after_ns", a.after_time.ns}};
}

template <class T, class F>
json list(const std::vector<T>& items, F convert) {
  json out = json::array();
  for (const T& item : items) out.push_back(convert(item));
  return out;
}

}  // namespace

std::string canonical_json(const Scenario& s) {
  json overrides = json::array();
  for (const NetworkSpec::Override& o : s.network.overrides) {
    overrides.push_back({{"from", o.from_region}, {"to", o.to_region}, {"link", link(o.link)}});
  }
  json out = {{"orrery", 1},
                    {"name", s.name},
                    {"about", s.about},
                    {"seed", s.seed},
                    {"until_ns", s.until.ns},
                    {"chain", section_json(chain_section(), &s.chain)},
                    {"models", list(s.models, model)},
                    {"devices", list(s.devices, device)},
                    {"nodes", list(s.nodes, node)},
                    {"network",
                     {{"default", link(s.network.link)},
                      {"between", overrides},
                      {"topology", topology(s.network.topology)}}},
                    {"load", list(s.load, load)},
                    {"timeline", list(s.timeline, fault)},
                    {"asserts", list(s.asserts, assertion)},
                    {"metrics_every_ns", s.metrics_every.ns},
                    {"report_html", s.report_html},
                    {"live", section_json(live_section(), &s.live)},
                    {"seeded_bug", s.seeded_bug}};
  // Only where it is asked for: the hashes of all other scenarios stay what they were.
  if (s.buggify_ppm > 0) out["buggify_ppm"] = s.buggify_ppm;
  // Text was checked to be UTF-8, so nothing is replaced; the option only rules out an exception.
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace orrery::scenario
