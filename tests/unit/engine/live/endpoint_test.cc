#include <gtest/gtest.h>

#include "engine/live/transport.h"

namespace orrery::live {
namespace {

TEST(Endpoint, AnAddressHasOneSpelling) {
  const auto good = parse_endpoint({"/ip4/127.0.0.1/tcp/4000"});
  ASSERT_TRUE(good);
  EXPECT_EQ(*good, (Endpoint{"127.0.0.1", 4000}));
  EXPECT_EQ(to_address(*good).text, "/ip4/127.0.0.1/tcp/4000");
  EXPECT_TRUE(parse_endpoint({"/ip4/0.0.0.0/tcp/65535"}));
  for (const char* bad :
       {"", "/ip4/127.0.0.1", "/ip4/127.0.0.1/tcp/", "/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0/tcp/1",
        "/ip4/127.0.0.1.2/tcp/1", "/ip4/256.0.0.1/tcp/1", "/ip4/127.0.0.01/tcp/1",
        "/ip4/127.0.0.1/tcp/01", "/ip4/127.0.0.1/tcp/65536", "/ip4/127.0.0.1/tcp/4000/",
        "/ip4/127.0.0.1/tcp/99999999999999999999", "/ip4/-1.0.0.1/tcp/1", " /ip4/1.2.3.4/tcp/1",
        "/ip6/::1/tcp/4000", "sim/3", "/ip4/localhost/tcp/1"}) {
    EXPECT_FALSE(parse_endpoint({bad})) << bad;
  }
}

}  // namespace
}  // namespace orrery::live
