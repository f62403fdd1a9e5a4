// The `load` and `asserts` parts of the table.
#include "scenarios/schema/fields.h"

namespace orrery::scenario {
namespace {

constexpr i128 kYear = 366 * 86400 * static_cast<i128>(1'000'000'000);

// Bits of the kinds of load.
enum : std::uint32_t { kChat = 1, kTransfer = 2, kUnstake = 4 };

}  // namespace

const Section& load_section() {
  static const Section section = [] {
    SectionBuilder<LoadDraft> b("load", "Requests of users: a Poisson stream for each of them.");
    using T = LoadDraft;
    b.add<&T::name>(
        {.name = "name", .type = Type::kName, .meaning = "Name of the stream.", .required = true});
    b.add<&T::users>({.name = "users",
                      .type = Type::kSelector,
                      .meaning = "Nodes that ask: users; of an unstake, who has a bond.",
                      .required = true});
    b.add<&T::kind>({.name = "kind",
                     .type = Type::kChoice,
                     .meaning = "Chat: a paid inference task; transfer: money to another user; "
                                "unstake: notice for a part of the own bond.",
                     .choices = {"chat", "transfer", "unstake"}});
    b.add<&T::mean_interval_ns>({.name = "rate",
                                 .type = Type::kEventRate,
                                 .meaning = "Mean rate of each user.",
                                 .required = true,
                                 .min = 1'000,
                                 .max = kYear});
    b.add<&T::start>(
        {.name = "start", .type = Type::kTime, .meaning = "First instant of the stream."});
    b.add<&T::stop>({.name = "stop",
                     .type = Type::kTime,
                     .meaning = "Last instant of the stream.",
                     .default_note = "the end of the run"});
    b.add<&T::model>({.name = "model",
                      .type = Type::kName,
                      .meaning = "Model that is asked.",
                      .allowed_for = kChat,
                      .default_note = "the only model, if there is one only"});
    b.add<&T::prompt>({.name = "prompt",
                       .type = Type::kSizeDistribution,
                       .meaning = "Length of a prompt; of whole words, at most, where the model is "
                                  "trained.",
                       .min = 1,
                       .max = 1 << 30,
                       .allowed_for = kChat});
    b.add<&T::output>({.name = "output",
                       .type = Type::kCountDistribution,
                       .meaning = "Tokens asked for.",
                       .min = 1,
                       .max = 1 << 30,
                       .allowed_for = kChat});
    b.add<&T::priority>({.name = "priority",
                         .type = Type::kChoice,
                         .meaning = "Class of the request.",
                         .choices = {"high", "medium", "low", "background"},
                         .allowed_for = kChat});
    b.add<&T::amount>({.name = "amount",
                       .type = Type::kMoney,
                       .meaning = "Money of one transfer, or bond that one notice is of.",
                       .min = 1,
                       .allowed_for = kTransfer | kUnstake});
    b.discriminator("kind");
    return b.take();
  }();
  return section;
}

const Section& asserts_section() {
  static const Section section = [] {
    SectionBuilder<AssertDraft> b("asserts",
                                  "What must hold; each compares a metric with a number.");
    using T = AssertDraft;
    b.add<&T::name>({.name = "name",
                     .type = Type::kName,
                     .meaning = "Name, for the report.",
                     .required = true});
    b.add<&T::always>({"always", Type::kCondition, "Holds at every sample."});
    b.add<&T::never>({"never", Type::kCondition, "Holds at no sample."});
    b.add<&T::eventually>(
        {"eventually", Type::kCondition, "Holds at some sample before the bound."});
    b.add<&T::at_end>({"at_end", Type::kCondition, "Holds at the last sample."});
    b.add<&T::within>({.name = "within",
                       .type = Type::kDuration,
                       .meaning = "Bound of an eventually, counted from after.",
                       .min = 1,
                       .default_note = "until the end"});
    b.add<&T::after>({.name = "after",
                      .type = Type::kInstant,
                      .meaning = "Start of an eventually: <fault>.begin, <fault>.end or a time.",
                      .default_note = "t+0s"});
    b.one_of({"always", "never", "eventually", "at_end"});
    return b.take();
  }();
  return section;
}

}  // namespace orrery::scenario
