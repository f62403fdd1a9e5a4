#include "protocol/models/registry.h"

#include "tests/unit/protocol/test_chain.h"

namespace orrery::chain {
namespace {

TEST(Models, OfTheGenesisAreFoundByDigest) {
  const test::TestChain chain;
  const auto record = model_record(chain.state, test::digest("model"));
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->name, "m");
  EXPECT_EQ(record->owner, test::addr(test::key(30)));
  EXPECT_FALSE(model_record(chain.state, test::digest("other")).has_value());
}

TEST(Models, HaveANameOfOneTo64Bytes) {
  for (const std::size_t length : {0u, 1u, 64u, 65u}) {
    Genesis genesis = test::small_genesis();
    genesis.models[0].name = std::string(length, 'n');
    EXPECT_EQ(make_network(test::small_params(), genesis).has_value(), length == 1 || length == 64)
        << length;
  }
}

}  // namespace
}  // namespace orrery::chain
