#include <regex>

#include "tests/unit/harness/testnet/rpc/service_world.h"

namespace orrery::testnet {
namespace {

// Samples by name with labels; the families by name. Fails the test where the text is not in
// Prometheus' format.
struct Scrape {
  explicit Scrape(const std::string& text) {
    static const std::regex sample(
        R"(([a-z_]+)(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? ([0-9.e+-]+))");
    EXPECT_TRUE(text.ends_with('\n'));
    std::istringstream lines(text);
    std::string help;
    for (std::string line; std::getline(lines, line);) {
      std::smatch found;
      if (line.starts_with("# HELP ")) {
        help = line.substr(7, line.find(' ', 7) - 7);
      } else if (line.starts_with("# TYPE ")) {
        const std::size_t end = line.find(' ', 7);
        family = line.substr(7, end - 7);
        EXPECT_EQ(family, help) << "a type follows its help";
        EXPECT_EQ(types.count(family), 0u) << family << " comes twice";
        types[family] = line.substr(end + 1);
      } else if (std::regex_match(line, found, sample)) {
        EXPECT_TRUE(found[1].str().starts_with(family)) << line;
        EXPECT_EQ(samples.count(found[1].str() + found[2].str()), 0u) << line;
        samples[found[1].str() + found[2].str()] = std::stod(found[4]);
      } else {
        ADD_FAILURE() << "not a line of Prometheus: " << line;
      }
    }
  }
  std::string family;
  std::map<std::string, std::string> types;
  std::map<std::string, double> samples;
};

TEST(RpcMetrics, AreInTheFormatAndAgreeWithTheChain) {
  ServiceWorld w;
  w.run(Duration::minutes(5));
  w.call("getBlock");
  w.call("getBlock", 1'000'000);
  w.call("whatever name somebody \"invents\"");
  const RpcService::Page page = w.service.get("/metrics", 5);
  EXPECT_EQ(page.type, "text/plain; version=0.0.4; charset=utf-8");
  const Scrape scrape(page.body);
  const auto value = [&](const char* name) { return scrape.samples.at(name); };
  EXPECT_EQ(value("orrery_chain_height"), w.chain().head().height());
  EXPECT_EQ(value("orrery_chain_finalized_height"), w.chain().finalized_height());
  EXPECT_EQ(value("orrery_peers"), w.view.node().gossip().peers());
  EXPECT_EQ(value("orrery_rpc_connections"), 5);
  EXPECT_EQ(value("orrery_rpc_requests_total{method=\"getBlock\",result=\"ok\"}"), 1);
  EXPECT_EQ(value("orrery_rpc_requests_total{method=\"getBlock\",result=\"error\"}"), 1);
  EXPECT_EQ(value("orrery_rpc_requests_total{method=\"unknown\",result=\"error\"}"), 1);
  EXPECT_GT(value("orrery_transactions_total{type=\"request\",result=\"ok\"}"), 0);
  EXPECT_GT(value("orrery_tasks_total{event=\"settled\"}"), 0);
  EXPECT_GT(value("orrery_inference_tokens_total"), 0);
  EXPECT_GT(value("process_resident_memory_bytes"), 1e6);
  for (const auto& [name, type] : scrape.types) {
    EXPECT_EQ(type == "counter", name.ends_with("_total")) << name;
  }
}

TEST(RpcMetrics, TheHistogramIsCumulativeAndCountersNeverFall) {
  ServiceWorld w;
  w.run(Duration::minutes(3));
  const Scrape before(w.service.get("/metrics", 0).body);
  w.run(Duration::minutes(3));
  const Scrape after(w.service.get("/metrics", 0).body);
  const std::string name = "orrery_block_interval_seconds";
  double last = 0;
  for (const char* bucket : {"1", "2", "4", "8", "12", "20", "30", "60", "120", "+Inf"}) {
    const double count = after.samples.at(name + "_bucket{le=\"" + bucket + "\"}");
    EXPECT_GE(count, last) << bucket;
    last = count;
  }
  EXPECT_EQ(last, after.samples.at(name + "_count"));
  EXPECT_GT(after.samples.at(name + "_sum"), last);
  for (const auto& [sample, value] : before.samples) {
    if (sample.find("_total") != std::string::npos) {
      EXPECT_GE(after.samples.at(sample), value) << sample;
    }
  }
}

}  // namespace
}  // namespace orrery::testnet
