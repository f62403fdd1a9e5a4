#include "protocol/types/state_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "engine/base/random.h"

namespace orrery::chain {
namespace {

using Model = std::map<std::string, Bytes>;

// Short paths over few letters, so that splits, joins and values inside paths are common; values on
// both sides of the inline size.
std::string random_path(RandomStream& random) {
  std::string path = "/";
  const std::size_t size = random.below(7);
  for (std::size_t i = 0; i < size; ++i) path += "ab/\x01\xff"[random.below(5)];
  return path;
}
Bytes random_value(RandomStream& random) {
  Bytes value(random.below(4) == 0 ? 30 + random.below(6) : random.below(3));
  for (auto& b : value) b = static_cast<std::uint8_t>(random.below(3));
  return value;
}

StateTree tree_of(const Model& model) {
  StateTree tree;
  for (const auto& [path, value] : model) tree.set(path, value);
  return tree;
}

Model content(const StateTree& tree) {
  Model out;
  std::string last;
  tree.for_each("", [&](std::string_view path, ByteView value) {
    EXPECT_TRUE(out.empty() || last < path) << "paths come in order";
    last = path;
    out.emplace(path, Bytes(value.begin(), value.end()));
    return true;
  });
  return out;
}

// A model and a tree that went through the same random changes.
struct Pair {
  Model model;
  StateTree tree;
  void change(RandomStream& random) {
    const std::string path = random_path(random);
    if (random.below(3) == 0) {
      EXPECT_EQ(tree.erase(path), model.erase(path) == 1) << path;
    } else {
      const Bytes value = random_value(random);
      tree.set(path, value);
      model[path] = value;
    }
  }
};

TEST(StateTree, HoldsWhatAMapHoldsThroughRandomChanges) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    RandomStream random(seed, 0, stream_id("test/changes"));
    Pair pair;
    for (int i = 0; i < 1'500; ++i) {
      pair.change(random);
      ASSERT_EQ(pair.tree.size(), pair.model.size());
      const std::string path = random_path(random);
      const auto found = pair.tree.get(path);
      const auto expected = pair.model.find(path);
      ASSERT_EQ(found.has_value(), expected != pair.model.end()) << path;
      if (found) {
        ASSERT_TRUE(std::ranges::equal(*found, expected->second));
      }
      if (i % 100 == 0) {
        ASSERT_EQ(content(pair.tree), pair.model);
      }
    }
  }
}

TEST(StateTree, RootDependsOnContentNotOnHistory) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    RandomStream random(seed, 0, stream_id("test/history"));
    Pair pair;
    for (int i = 0; i < 600; ++i) {
      pair.change(random);
      if (i % 7 == 0) std::ignore = pair.tree.root();  // hashing in between must not matter
      if (i % 50 == 0) {
        ASSERT_EQ(pair.tree.root(), tree_of(pair.model).root()) << seed << " " << i;
      }
    }
    while (!pair.model.empty()) {
      pair.tree.erase(pair.model.begin()->first);
      pair.model.erase(pair.model.begin());
    }
    EXPECT_EQ(pair.tree.root(), StateTree().root());
  }
}

TEST(StateTree, EveryDifferenceInContentChangesTheRoot) {
  RandomStream random(3, 0, stream_id("test/differences"));
  Pair pair;
  for (int i = 0; i < 60; ++i) pair.change(random);
  std::map<Hash256, Model> seen;
  for (int i = 0; i < 2'000; ++i) {
    pair.change(random);
    const auto [it, fresh] = seen.emplace(pair.tree.root(), pair.model);
    ASSERT_EQ(it->second, pair.model) << "two contents with one root";
  }
  EXPECT_GT(seen.size(), 1'000u);
}

// Fixes the format: a change of layout or hash is a change of the protocol.
TEST(StateTree, RootOfAKnownContentIsKnown) {
  StateTree tree;
  const std::uint8_t kEmptyNode[] = {1, 0, 0, 0, 0, 0};
  EXPECT_EQ(tree.root(), sha256(kEmptyNode));

  tree.set("/a", Bytes{7});
  // leaf: prefix "a", inline value 07; root: empty prefix, one child '/'.
  Bytes leaf = {1, 1, 0, 'a', 1, 1, 7, 0, 0};
  Bytes root = {1, 0, 0, 0, 1, 0, '/'};
  const Hash256 leaf_hash = sha256(leaf);
  root.insert(root.end(), leaf_hash.bytes.begin(), leaf_hash.bytes.end());
  EXPECT_EQ(tree.root(), sha256(root));
}

TEST(StateTree, OldVersionsStayAsTheyWere) {
  RandomStream random(5, 0, stream_id("test/versions"));
  Pair pair;
  std::vector<std::tuple<Model, StateTree, Hash256>> versions;
  for (int i = 0; i < 1'000; ++i) {
    pair.change(random);
    if (i % 20 == 0) versions.emplace_back(pair.model, pair.tree, tree_of(pair.model).root());
  }
  for (const auto& [model, tree, root] : versions) {
    EXPECT_EQ(content(tree), model);
    EXPECT_EQ(tree.root(), root);
  }
}

TEST(StateTree, SettingAnEqualValueKeepsEverythingShared) {
  StateTree a;
  a.set("/x", Bytes{1, 2, 3});
  const StateTree b = a;
  a.set("/x", Bytes{1, 2, 3});
  EXPECT_EQ(a.get("/x")->data(), b.get("/x")->data());
}

TEST(StateTree, WalksAPrefixInOrderAndStopsWhenAsked) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    RandomStream random(seed, 0, stream_id("test/walks"));
    Pair pair;
    for (int i = 0; i < 300; ++i) pair.change(random);
    for (int i = 0; i < 200; ++i) {
      const std::string prefix = random_path(random).substr(0, random.below(4));
      std::vector<std::string> expected, walked, stepped;
      for (const auto& [path, value] : pair.model) {
        if (path.starts_with(prefix)) expected.push_back(path);
      }
      pair.tree.for_each(prefix, [&](std::string_view path, ByteView) {
        walked.emplace_back(path);
        return true;
      });
      EXPECT_EQ(walked, expected);
      for (auto e = pair.tree.next(prefix, ""); e; e = pair.tree.next(prefix, e->path)) {
        stepped.push_back(e->path);
      }
      EXPECT_EQ(stepped, expected);
      std::size_t visits = 0;
      pair.tree.for_each(prefix, [&](std::string_view, ByteView) { return ++visits < 2; });
      EXPECT_EQ(visits, std::min<std::size_t>(2, expected.size()));
    }
  }
}

TEST(StateTree, NextFindsTheFirstPathAfterAnyCursor) {
  RandomStream random(6, 0, stream_id("test/next"));
  Pair pair;
  for (int i = 0; i < 200; ++i) pair.change(random);
  for (int i = 0; i < 2'000; ++i) {
    const std::string after = random_path(random);
    const auto expected = pair.model.upper_bound(after);
    const auto found = pair.tree.next("", after);
    ASSERT_EQ(found.has_value(), expected != pair.model.end()) << after;
    if (found) {
      ASSERT_EQ(found->path, expected->first);
    }
  }
}

TEST(StateProof, ShowsPresenceAndAbsenceUnderTheRootOnly) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    RandomStream random(seed, 0, stream_id("test/proofs"));
    Pair pair;
    for (int i = 0; i < 150; ++i) pair.change(random);
    const Hash256 root = pair.tree.root();
    std::size_t present = 0, absent = 0;
    for (int i = 0; i < 400; ++i) {
      const std::string path = random_path(random);
      const auto expected = pair.model.find(path);
      const StateProof proof = *StateProof::decode(pair.tree.prove(path).encode());
      const auto shown = StateTree::verify(root, path, proof);
      ASSERT_TRUE(shown) << shown.error().message;
      ASSERT_EQ(shown->has_value(), expected != pair.model.end());
      if (*shown) {
        ASSERT_EQ(**shown, expected->second);
      }
      ++(*shown ? present : absent);
      Hash256 other = root;
      other.bytes[i % 32] ^= 1;
      EXPECT_FALSE(StateTree::verify(other, path, proof));
      // For another path the proof shows the truth or nothing.
      const std::string elsewhere = random_path(random);
      const auto claim = StateTree::verify(root, elsewhere, proof);
      if (claim) {
        const auto truth = pair.model.find(elsewhere);
        ASSERT_EQ(claim->has_value(), truth != pair.model.end());
        if (*claim) {
          ASSERT_EQ(**claim, truth->second);
        }
      }
    }
    EXPECT_GT(present, 20u);
    EXPECT_GT(absent, 20u);
  }
}

TEST(StateProof, AnyFlippedBitOrOtherValueIsRefused) {
  RandomStream random(9, 0, stream_id("test/flips"));
  Pair pair;
  for (int i = 0; i < 60; ++i) pair.change(random);
  pair.tree.set("/long", Bytes(40, 1));
  pair.model["/long"] = Bytes(40, 1);
  pair.tree.set("/longer", Bytes{1});
  const Hash256 root = pair.tree.root();
  std::vector<std::string> paths = {"/long", "/longer", "/lo", "/longe", "/none", "/abab"};
  for (const auto& [path, value] : pair.model) paths.push_back(path);
  for (const auto& path : paths) {
    const StateProof proof = pair.tree.prove(path);
    const Bytes good = proof.encode();
    ASSERT_EQ(*StateProof::decode(good), proof);
    ASSERT_TRUE(StateTree::verify(root, path, proof));
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      Bytes bad = good;
      bad[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
      const auto decoded = StateProof::decode(bad);
      if (decoded) {
        EXPECT_FALSE(StateTree::verify(root, path, *decoded)) << path << " bit " << bit;
      }
    }
    StateProof other = proof;
    other.value = other.value ? std::nullopt : std::optional(Bytes{1});
    EXPECT_FALSE(StateTree::verify(root, path, other));
    if (proof.value) {
      other.value = *proof.value;
      other.value->push_back(0);
      EXPECT_FALSE(StateTree::verify(root, path, other));
    }
    for (std::size_t cut = 0; cut < good.size(); ++cut) {
      EXPECT_FALSE(StateProof::decode(ByteView(good).first(cut)));
    }
  }
}

TEST(StateProof, AProofThatStopsEarlyShowsNothing) {
  StateTree tree;
  tree.set("/accounts/a", Bytes{1});
  tree.set("/accounts/b", Bytes{2});
  StateProof proof = tree.prove("/accounts/a");
  ASSERT_EQ(proof.nodes.size(), 3u);
  // Claim that the branch node has no child 'a', with the hash of the real one put back.
  const Hash256 leaf = StateTree(tree).prove("/accounts/zz").nodes[1].children[0].hash;
  proof.nodes.pop_back();
  proof.nodes.back().children.insert(proof.nodes.back().children.begin(), {'a', leaf});
  proof.value.reset();
  EXPECT_FALSE(StateTree::verify(tree.root(), "/accounts/a", proof));
  EXPECT_FALSE(StateTree::verify(tree.root(), "/accounts/a", StateProof{}));
}

TEST(StateProof, RefusesAnInlineValueThatIsTooLongToBeOne) {
  for (const int size : {32, 33, 64, 255}) {
    Writer out;
    out.u32(1).text("").u8(1).u8(static_cast<std::uint8_t>(size)).raw(Bytes(size));
    out.u32(0).boolean(false);
    EXPECT_EQ(StateProof::decode(out.view()).has_value(), size == 32) << size;
  }
}

// Two nodes with one hash, one of them a byte further down: they are not the same place.
TEST(StateDiff, TellsEqualNodesAtDifferentDepthsApart) {
  StateTree a, b;
  a.set("aaaa", Bytes{1});
  b.set("a", Bytes{2});
  b.set("aaaaa", Bytes{1});
  std::ignore = std::pair(a.root(), b.root());
  std::vector<std::string> found;
  StateTree::diff(a, b, [&](std::string_view path, auto, auto) { found.emplace_back(path); });
  EXPECT_EQ(found, (std::vector<std::string>{"a", "aaaa", "aaaaa"}));
}

TEST(StateDiff, EqualsBruteForceWithAndWithoutSharingOrHashes) {
  using Changes = std::map<std::string, std::pair<std::optional<Bytes>, std::optional<Bytes>>>;
  const auto own = [](std::optional<ByteView> v) {
    return v ? std::optional(Bytes(v->begin(), v->end())) : std::nullopt;
  };
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    RandomStream random(seed, 0, stream_id("test/diffs"));
    Pair before;
    for (int i = 0; i < 200; ++i) before.change(random);
    Pair after = before;
    for (std::size_t i = 0; i < 1 + seed * 5; ++i) after.change(random);
    Changes expected;
    for (const auto& [path, value] : before.model) expected[path].first = value;
    for (const auto& [path, value] : after.model) expected[path].second = value;
    std::erase_if(expected, [](const auto& e) { return e.second.first == e.second.second; });

    for (const bool shared : {true, false}) {
      const StateTree b = shared ? after.tree : tree_of(after.model);
      for (const bool hashed : {false, true}) {
        if (hashed) std::ignore = std::pair(before.tree.root(), b.root());
        Changes found;
        std::string last;
        StateTree::diff(before.tree, b, [&](std::string_view path, auto x, auto y) {
          EXPECT_LT(last, path) << "in path order";
          last = path;
          found[std::string(path)] = {own(x), own(y)};
        });
        EXPECT_EQ(found, expected) << shared << hashed;
      }
    }
  }
}

}  // namespace
}  // namespace orrery::chain
