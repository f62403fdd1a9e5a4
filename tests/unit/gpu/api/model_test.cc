#include "gpu/api/model.h"

#include <gtest/gtest.h>

#include <vector>

#include "engine/base/codec.h"
#include "engine/base/ensure.h"
#include "gpu/api/seeded_model.h"

namespace orrery::gpu {
namespace {

constexpr ModelConfig kTiny{.dim = 12, .hidden = 18, .layers = 2, .heads = 3, .context = 32};

TEST(Model, ConfigsThatCouldOverflowOrDoNotFitAreRefused) {
  EXPECT_TRUE(validate(kTiny));
  const auto refused = [](auto change) {
    ModelConfig c = kTiny;
    change(c);
    return !validate(c).has_value();
  };
  EXPECT_TRUE(refused([](ModelConfig& c) { c.dim = 32'768 + 2, c.heads = 1; }));
  EXPECT_TRUE(refused([](ModelConfig& c) { c.hidden = 65'537; }));
  EXPECT_TRUE(refused([](ModelConfig& c) { c.context = 32'769; }));
  EXPECT_TRUE(refused([](ModelConfig& c) { c.heads = 5; }));
  EXPECT_TRUE(refused([](ModelConfig& c) { c.heads = 4; }));  // width 3 is odd
  EXPECT_TRUE(refused([](ModelConfig& c) { c.heads = 0; }));
  EXPECT_TRUE(refused([](ModelConfig& c) { c.layers = 0; }));
  EXPECT_TRUE(refused([](ModelConfig& c) { c.vocab = 257; }));
  EXPECT_TRUE(refused([](ModelConfig& c) { c.dim = 32'768, c.heads = 1, c.layers = 1024; }));
}

TEST(Model, MatrixReturnsWhatWasSetAndSumsItsRows) {
  QuantMatrix matrix(19, 7);
  std::vector<std::int8_t> row{1, -2, 3, -4, 127, -127, 9};
  matrix.set_row(17, row, {1u << 30, -40});
  for (std::uint32_t k = 0; k < 7; ++k) EXPECT_EQ(matrix.at(17, k), row[k]);
  EXPECT_EQ(matrix.row_sums()[17], 7);
  EXPECT_EQ(matrix.at(18, 0), 0);
  // Where kernels look for it: panel 1, group k/4, row 1 of the panel.
  EXPECT_EQ(matrix.panel(1)[1 * 4 + 3], -4);
  EXPECT_EQ(matrix.panel(1)[64 + 1 * 4 + 2], 9);
  EXPECT_THROW(matrix.set_row(19, row, {}), EnsureFailure);
  EXPECT_THROW(matrix.set_row(0, row, {5, 0}), EnsureFailure);
}

TEST(Model, EncodingRoundTripsAndHasTheStatedSize) {
  const ModelArtefact model = make_seeded_model(kTiny, 3);
  const Bytes bytes = model.encode();
  EXPECT_EQ(bytes.size(), encoded_size(kTiny));
  const auto back = ModelArtefact::decode(bytes);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->config, model.config);
  EXPECT_EQ(back->layers, model.layers);
  EXPECT_EQ(back->head, model.head);
  EXPECT_EQ(back->rope.cosine, model.rope.cosine);
  EXPECT_EQ(back->encode(), bytes);
  EXPECT_EQ(back->digest(), model.digest());
}

TEST(Model, DecoderRefusesEveryTruncationAndAppendix) {
  Bytes bytes = make_seeded_model(kTiny, 3).encode();
  for (std::size_t size = 0; size < bytes.size(); size += size < 64 ? 1 : 997) {
    EXPECT_FALSE(ModelArtefact::decode(ByteView(bytes).first(size))) << size;
  }
  bytes.push_back(0);
  EXPECT_FALSE(ModelArtefact::decode(bytes));
}

TEST(Model, DecoderRefusesValuesOutsideTheFormat) {
  const Bytes good = make_seeded_model(kTiny, 3).encode();
  const std::size_t first_scale = 30 + std::size_t{kByteVocab} * 12 * 4 + 12 * 2;
  const auto refused = [&](std::size_t at, std::uint8_t value) {
    Bytes bad = good;
    bad[at] = value;
    const auto result = ModelArtefact::decode(bad);
    return !result && result.error().code == ErrorCode::kMalformed;
  };
  EXPECT_TRUE(refused(0, 'X'));
  EXPECT_TRUE(refused(4, 9));
  EXPECT_TRUE(refused(6, 14));                  // dim no longer fits the size
  EXPECT_TRUE(refused(first_scale + 3, 0x3f));  // mantissa below 2^30
  EXPECT_TRUE(refused(first_scale + 3, 0x80));  // mantissa of 2^31 or more
  EXPECT_TRUE(refused(first_scale + 5, 0x7f));  // exponent
  EXPECT_TRUE(refused(first_scale + 6, 0x80));  // weight -128
}

TEST(Model, DecoderRefusesAHugeShapeBeforeAllocating) {
  Writer out;
  out.u32(0x4d49384f).u16(1).u32(16384).u32(65536).u32(60).u32(2).u32(32768).u32(258);
  EXPECT_FALSE(ModelArtefact::decode(out.view()));
}

TEST(Model, DigestChangesWithEveryPart) {
  const ModelArtefact model = make_seeded_model(kTiny, 3);
  const Hash256 digest = model.digest();
  const auto changed = [&](auto change) {
    ModelArtefact other = model;
    change(other);
    return other.digest() != digest;
  };
  EXPECT_TRUE(changed([](ModelArtefact& m) { m.embedding[5] ^= 1; }));
  EXPECT_TRUE(changed([](ModelArtefact& m) { m.final_norm[0] ^= 1; }));
  EXPECT_TRUE(changed([](ModelArtefact& m) { m.layers[1].mlp_norm[11] ^= 1; }));
  EXPECT_TRUE(changed([](ModelArtefact& m) { m.config.context += 1; }));
  EXPECT_TRUE(changed([](ModelArtefact& m) {
    std::vector<std::int8_t> row(18);
    m.layers[0].down.set_row(3, row, m.layers[0].down.scales()[3]);
  }));
}

TEST(SeededModel, SeedAndShapeFixEveryBit) {
  EXPECT_EQ(to_hex(make_seeded_model(kTiny, 3).digest()),
            "6b25b4657e738036526448de8e1ef63d99f3587a3d0dc587bb6b517b732fb2aa");
  EXPECT_NE(make_seeded_model(kTiny, 4).digest(), make_seeded_model(kTiny, 3).digest());
}

TEST(SeededModel, LayersNeverWriteToThePriorChannel) {
  const ModelArtefact model = make_seeded_model(kTiny, 3);
  for (const LayerWeights& layer : model.layers) {
    EXPECT_EQ(layer.out.scales()[0], exact::SoftScale{});
    EXPECT_EQ(layer.down.scales()[0], exact::SoftScale{});
    EXPECT_NE(layer.down.scales()[1], exact::SoftScale{});
  }
}

}  // namespace
}  // namespace orrery::gpu
