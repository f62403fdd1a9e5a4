#include "scenarios/schema/fields_links.h"

namespace orrery::scenario {
namespace {

constexpr i128 kWhole = 1'000'000;  // 100 % in ppm
constexpr i128 kSecond = 1'000'000'000;
constexpr i128 kYear = 366 * 86400 * kSecond;

const Section& models_section() {
  static const Section section = [] {
    SectionBuilder<ModelDraft> b("models",
                                 "A model that workers run: grown from a seed, or a trained one.");
    using T = ModelDraft;
    constexpr std::uint32_t kSeeded = 1u << 0;
    b.add<&T::name>({.name = "name",
                     .type = Type::kName,
                     .meaning = "Name by which load refers to it.",
                     .required = true});
    b.add<&T::generator>({.name = "generator",
                          .type = Type::kChoice,
                          .meaning = "Where the weights come from: a seed, or training; a trained "
                                     "model brings its shape, and is asked in its own language.",
                          .choices = {"seeded", "trained-0.3M"}});
    b.add<&T::weights_seed>({.name = "weights_seed",
                             .type = Type::kCount,
                             .meaning = "Seed of the weights.",
                             .allowed_for = kSeeded});
    b.add<&T::dim>({.name = "dim",
                    .type = Type::kCount,
                    .meaning = "Width; a multiple of 8 times heads.",
                    .min = 8,
                    .max = 8192,
                    .allowed_for = kSeeded});
    b.add<&T::hidden>({.name = "hidden",
                       .type = Type::kCount,
                       .meaning = "Width of the inner layer; a multiple of 8.",
                       .min = 8,
                       .max = 32768,
                       .allowed_for = kSeeded});
    b.add<&T::layers>({.name = "layers",
                       .type = Type::kCount,
                       .meaning = "Number of layers.",
                       .min = 1,
                       .max = 128,
                       .allowed_for = kSeeded});
    b.add<&T::heads>({.name = "heads",
                      .type = Type::kCount,
                      .meaning = "Attention heads; they divide dim.",
                      .min = 1,
                      .max = 256,
                      .allowed_for = kSeeded});
    b.add<&T::context>({.name = "context",
                        .type = Type::kCount,
                        .meaning = "Longest sequence in tokens.",
                        .min = 2,
                        .max = 1 << 20,
                        .allowed_for = kSeeded});
    b.add<&T::owner>({"owner", Type::kName, "Account that earns the models' share."});
    b.discriminator("generator");
    return b.take();
  }();
  return section;
}

const Section& devices_section() {
  static const Section section = [] {
    SectionBuilder<DeviceDraft> b("devices", "How long compute jobs take in virtual time.");
    using T = DeviceDraft;
    b.add<&T::name>({.name = "name",
                     .type = Type::kName,
                     .meaning = "Name by which groups refer to it.",
                     .required = true});
    b.add<&T::job_overhead>({.name = "job_overhead",
                             .type = Type::kDuration,
                             .meaning = "Fixed time of each job.",
                             .max = 3600 * kSecond});
    b.add<&T::work_units_per_second>(
        {.name = "work_units_per_second", .type = Type::kCount, .meaning = "Speed.", .min = 1});
    const auto cost = [](std::string_view name, std::string_view meaning) {
      return Field{.name = name, .type = Type::kDuration, .meaning = meaning, .max = 60 * kSecond};
    };
    b.add<&T::cpu_message>(cost("cpu_message",
                                "What the processor takes for a message; while it is "
                                "busy, other events wait."));
    b.add<&T::cpu_byte>(cost("cpu_byte", "The same for each byte of it."));
    b.add<&T::cpu_timer>(cost("cpu_timer", "The same for a timer."));
    b.add<&T::cpu_request>(cost("cpu_request", "The same for a user's request."));
    b.add<&T::cpu_completion>(
        cost("cpu_completion", "The same for a sync or a job that is finished."));
    b.add<&T::cpu_session>(
        cost("cpu_session", "The same for a session that comes up or goes down."));
    return b.take();
  }();
  return section;
}

const Section& clock_section() {
  static const Section section = [] {
    SectionBuilder<ClockDraft> b("clock", "Error of the nodes' wall clocks.");
    b.add<&ClockDraft::offset>({.name = "offset",
                                .type = Type::kDuration,
                                .meaning = "Error at the start; may be negative.",
                                .min = -86400 * kSecond,
                                .max = 86400 * kSecond});
    b.add<&ClockDraft::drift_ppb>({.name = "drift",
                                   .type = Type::kPpb,
                                   .meaning = "How much too fast the clock runs; may be negative.",
                                   .min = -kWhole * 10,
                                   .max = kWhole * 10});
    return b.take();
  }();
  return section;
}

const Section& groups_section() {
  static const Section section = [] {
    SectionBuilder<GroupDraft> b("groups",
                                 "Nodes of one kind, named <group>-0, <group>-1 and so on.");
    using T = GroupDraft;
    b.add<&T::name>(
        {.name = "name", .type = Type::kName, .meaning = "Name of the group.", .required = true});
    b.add<&T::role>({.name = "role",
                     .type = Type::kChoice,
                     .meaning = "What the nodes do: miners make blocks and work on tasks, "
                                "validators vote and audit, users ask, "
                                "bootstrap nodes introduce peers, full nodes follow.",
                     .required = true,
                     .choices = {"bootstrap", "validator", "miner", "user", "full"}});
    b.add<&T::count>({.name = "count",
                      .type = Type::kCount,
                      .meaning = "Number of nodes.",
                      .min = 1,
                      .max = kMaxNodes});
    b.add<&T::stake>({"stake", Type::kMoney, "Bond of each node at genesis."});
    b.add<&T::balance>({"balance", Type::kMoney, "Liquid money of each node at genesis."});
    b.add<&T::device>({"device", Type::kName, "Device that runs the nodes' compute jobs."});
    b.add<&T::region>(
        {.name = "region",
         .type = Type::kRegion,
         .meaning =
             "Place of the nodes: a name, or {choice: {eu: 4, asia: 2}} to draw one for each node.",
         .default_note = "no region"});
    b.add_section<&T::clock>({.name = "clock", .meaning = clock_section().meaning},
                             clock_section());
    b.add<&T::uplink>({.name = "uplink",
                       .type = Type::kBitRate,
                       .meaning = "Sending capacity of each node.",
                       .min = 125,
                       .default_note = "unlimited"});
    b.add<&T::behaviour>(
        {"behaviour", Type::kName,
         "How the nodes act from the start: honest, or the name of an adversary."});
    return b.take();
  }();
  return section;
}

const Section& metrics_section() {
  static const Section section = [] {
    SectionBuilder<MetricsDraft> b("metrics", "Samples of the metrics.");
    b.add<&MetricsDraft::every>({.name = "every",
                                 .type = Type::kDuration,
                                 .meaning = "Time between two samples.",
                                 .min = 1'000'000,
                                 .max = kYear});
    return b.take();
  }();
  return section;
}

const Section& report_section() {
  static const Section section = [] {
    SectionBuilder<ReportDraft> b("report", "What is written after a run.");
    b.add<&ReportDraft::html>({"html", Type::kBoolean, "Whether to write report.html."});
    return b.take();
  }();
  return section;
}

}  // namespace

const Section& live_section() {
  static const Section section = [] {
    SectionBuilder<LiveSpec> b("live", "What only a live network heeds (orrery up).");
    b.add<&LiveSpec::restart>(
        {"restart", Type::kBoolean, "Whether a node that ends unasked is started again."});
    b.add<&LiveSpec::provider>({.name = "provider",
                                .type = Type::kChoice,
                                .meaning = "Plain processes, or a network namespace for each node, "
                                           "with the links of the scenario.",
                                .choices = {"process", "netns"}});
    b.add<&LiveSpec::flight_log>(
        {"flight_log", Type::kBoolean, "Whether nodes keep the logs that orrery conform reads."});
    return b.take();
  }();
  return section;
}

namespace {

const Section& debug_section() {
  static const Section section = [] {
    SectionBuilder<DebugDraft> b("debug", "For looking for bugs.");
    b.add<&DebugDraft::buggify_ppm>(
        {.name = "buggify",
         .type = Type::kPpm,
         .meaning = "How often nodes do what is rare but legal, at the half of the points that the "
                    "seed chooses (orrery list points).",
         .max = 1'000'000});
#ifdef ORRERY_SEEDED_BUGS
    b.add<&DebugDraft::seeded_bug>(
        {.name = "seeded_bug", .type = Type::kName, .meaning = "The bug to switch on."});
#else
    b.mention({"seeded_bug", Type::kUnsupported, "needs a build with seeded bugs"});
#endif
    return b.take();
  }();
  return section;
}

Section make_scenario_section() {
  SectionBuilder<ScenarioDraft> b("scenario", "A network and what happens to it.");
  using T = ScenarioDraft;
  b.add<&T::orrery>({.name = "orrery",
                     .type = Type::kCount,
                     .meaning = "Version of the language.",
                     .required = true,
                     .min = 1,
                     .max = 1});
  b.add<&T::name>(
      {.name = "name", .type = Type::kName, .meaning = "Name of the scenario.", .required = true});
  b.add<&T::about>({"about", Type::kText, "What the scenario shows."});
  b.add<&T::seed>({"seed", Type::kCount, "Seed of every random draw."});
  b.add<&T::until>({.name = "until",
                    .type = Type::kDuration,
                    .meaning = "Length of the run.",
                    .required = true,
                    .min = 1,
                    .max = 10 * kYear});
  b.mention({"include", Type::kFiles, "Files laid underneath this one, in order."});
  b.mention({"vars", Type::kVariables, "Names for values, used as ${name} and in ${arithmetic}."});
  b.add_section<&T::chain>({.name = "chain", .meaning = chain_section().meaning}, chain_section());
  b.add_list<&T::models>(
      {.name = "models", .meaning = models_section().meaning, .required = true, .min = 1},
      models_section());
  b.add_list<&T::devices>({.name = "devices",
                           .meaning = devices_section().meaning,
                           .default_note = "one device named cpu"},
                          devices_section());
  b.add_list<&T::groups>(
      {.name = "groups", .meaning = groups_section().meaning, .required = true, .min = 1},
      groups_section());
  b.add_section<&T::network>({.name = "network", .meaning = network_section().meaning},
                             network_section());
  b.add_list<&T::load>({.name = "load", .meaning = load_section().meaning}, load_section());
  b.add_list<&T::timeline>({.name = "timeline", .meaning = timeline_section().meaning},
                           timeline_section());
  b.add_list<&T::asserts>({.name = "asserts", .meaning = asserts_section().meaning},
                          asserts_section());
  b.add_section<&T::metrics>({.name = "metrics", .meaning = metrics_section().meaning},
                             metrics_section());
  b.add_section<&T::report>({.name = "report", .meaning = report_section().meaning},
                            report_section());
  b.add_section<&T::live>({.name = "live", .meaning = live_section().meaning}, live_section());
  b.mention({"sweep", Type::kUnsupported, "not supported by this version"});
  b.add_section<&T::debug>({.name = "debug", .meaning = debug_section().meaning}, debug_section());
  return b.take();
}

}  // namespace

const Field* Section::find(std::string_view field) const {
  for (const Field& f : fields) {
    if (f.name == field) return &f;
  }
  return nullptr;
}

const Section& scenario_section() {
  static const Section section = make_scenario_section();
  return section;
}

}  // namespace orrery::scenario
