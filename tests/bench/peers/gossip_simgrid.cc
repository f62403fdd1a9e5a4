// Gossip of blocks on SimGrid: an actor and a mailbox a node, messages over the constant network
// (its cheapest).   gossip_simgrid --nodes=N --blocks=B --limit=S [--cfg=... of SimGrid]
// Ends after S seconds of CPU time, with the messages until then. All messages take the same time,
// so only their number is compared.
#include <simgrid/s4u.hpp>

#include <memory>
#include <string>
#include <vector>

#include "tests/bench/measure.h"
#include "tests/bench/workload.h"

namespace orrery::bench {
namespace {

namespace s4u = simgrid::s4u;

struct Message {
  GossipKind kind;
  std::int32_t block;
  std::uint32_t link;  // at the receiver
};

class World {
 public:
  World(std::uint32_t nodes, std::uint32_t blocks, double limit)
      : graph_(nodes), nodes_(nodes), blocks_(blocks), limit_(limit) {
    auto* zone = s4u::create_empty_zone("zone");
    for (std::uint32_t i = 0; i < nodes; ++i) {
      hosts_.push_back(zone->create_host("host" + std::to_string(i), "1Gf"));
    }
    zone->seal();
    for (std::uint32_t i = 0; i < nodes; ++i) {
      mailboxes_.push_back(s4u::Mailbox::by_name("node" + std::to_string(i)));
      auto actor = s4u::Actor::create("node", hosts_[i], [this, i] { serve(i); });
      mailboxes_[i]->set_receiver(actor);
      actor->daemonize();
    }
    s4u::Actor::create("finder", hosts_[0], [this] { find_blocks(); });
  }

  std::uint64_t messages() const { return messages_; }

 private:
  void serve(std::uint32_t index) {
    GossipNode& node = nodes_[index];
    for (;;) {
      const std::unique_ptr<Message> m(mailboxes_[index]->get<Message>());
      ++messages_;
      if (m->kind == GossipKind::kAnnounce) {
        if (node.have >= m->block || node.asked >= m->block) continue;
        node.asked = m->block;
        send(index, m->link, GossipKind::kRequest, m->block);
      } else if (m->kind == GossipKind::kRequest) {
        send(index, m->link, GossipKind::kBlock, m->block);
      } else if (node.have < m->block) {
        node.have = m->block;
        announce(index, m->block, m->link);
      }
    }
  }
  void find_blocks() {
    const double begin = cpu_seconds();
    for (std::uint32_t b = 0; b < blocks_; ++b) {
      const std::uint32_t finder = gossip_finder(b, graph_.nodes());
      nodes_[finder].have = nodes_[finder].asked = static_cast<std::int32_t>(b);
      announce(finder, static_cast<std::int32_t>(b), GossipGraph::kDegree);
      for (int step = 0; step < 100; ++step) {
        s4u::this_actor::sleep_for(0.1);
        if (cpu_seconds() - begin > limit_) return;
      }
    }
  }
  void announce(std::uint32_t from, std::int32_t block, std::uint32_t except) {
    for (std::uint32_t i = 0; i < GossipGraph::kDegree; ++i) {
      if (i != except) send(from, i, GossipKind::kAnnounce, block);
    }
  }
  void send(std::uint32_t from, std::uint32_t i, GossipKind kind, std::int32_t block) {
    const GossipGraph::Link& link = graph_.link(from, i);
    mailboxes_[link.to]
        ->put_init(new Message{kind, block, link.reverse},
                   static_cast<std::uint64_t>(gossip_bytes(kind)))
        ->detach();
  }

  GossipGraph graph_;
  std::vector<GossipNode> nodes_;
  std::vector<s4u::Host*> hosts_;
  std::vector<s4u::Mailbox*> mailboxes_;
  std::uint32_t blocks_;
  double limit_;
  std::uint64_t messages_ = 0;
};

}  // namespace
}  // namespace orrery::bench

int main(int argc, char** argv) {
  using namespace orrery::bench;
  simgrid::s4u::Engine engine(&argc, argv);
  World world(static_cast<std::uint32_t>(number_of(argc, argv, "nodes", 1000)),
              static_cast<std::uint32_t>(number_of(argc, argv, "blocks", 5)),
              static_cast<double>(number_of(argc, argv, "limit", 60)));
  Measured m = timed([&] { engine.run(); });
  m.events = world.messages();
  m.print();
  std::fflush(stdout);
  std::_Exit(0);  // actors that still wait are not worth the time that ending them takes
}
