#include "harness/testnet/accounts.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "harness/run/keys.h"
#include "harness/testnet/key_file.h"

namespace orrery::testnet {
namespace {

namespace fs = std::filesystem;

class NamesAndKeys : public testing::Test {
 protected:
  NamesAndKeys() : folder_(testing::TempDir() + "accounts-" + std::to_string(::getpid())) {
    fs::create_directories(folder_);
    scenario_.chain.id = "orrery-1";
    scenario_.seed = 3;
    scenario_.nodes = {{.name = "validators-0", .role = scenario::Role::kValidator},
                       {.name = "users-0", .role = scenario::Role::kUser}};
    scenario_.models = {{.name = "small", .owner = "owner"}, {.name = "large", .owner = "users-0"}};
  }
  ~NamesAndKeys() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  std::string folder_;
  scenario::Scenario scenario_;
};

TEST_F(NamesAndKeys, AreTheNodesThenWhoElseOwnsAModel) {
  const Accounts accounts(scenario_);
  ASSERT_EQ(accounts.named().size(), 3u);
  EXPECT_EQ(accounts.named()[0].name, "validators-0");
  EXPECT_EQ(accounts.named()[0].role, "validator");
  EXPECT_EQ(accounts.named()[2].name, "owner");
  for (const NamedAccount& account : accounts.named()) {
    const auto key = run::account_key(scenario_, account.name);
    EXPECT_EQ(account.key.public_key(), key.public_key());
    EXPECT_EQ(accounts.key(account.name)->public_key(), key.public_key());
    EXPECT_EQ(*accounts.address(account.name), chain::address_of(key.public_key()));
  }
}

TEST_F(NamesAndKeys, WhoMayBeAKeyFileOrForReceiversAnAddress) {
  const Accounts accounts(scenario_);
  const auto made = create_key_file(path("a.key"));
  ASSERT_TRUE(made.has_value()) << made.error().message;
  EXPECT_EQ(accounts.key(path("a.key"))->public_key(), made->public_key());
  EXPECT_EQ(Accounts().key(path("a.key"))->secret_key().seed(), made->secret_key().seed());
  const chain::Address there = chain::address_of(made->public_key());
  EXPECT_EQ(*accounts.address(path("a.key")), there);
  EXPECT_EQ(*Accounts().address(there.hex()), there);
  EXPECT_FALSE(accounts.key(there.hex()).has_value());  // nobody signs with an address
}

TEST_F(NamesAndKeys, AnUnknownNameSaysWhichThereAre) {
  const auto nobody = Accounts(scenario_).key("user-0");
  ASSERT_FALSE(nobody.has_value());
  EXPECT_EQ(nobody.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(nobody.error().message.find("users-0"), std::string::npos) << nobody.error().message;
  EXPECT_FALSE(Accounts().key("users-0").has_value());
}

TEST_F(NamesAndKeys, KeysDifferAndAreNeverOverwritten) {
  const auto first = create_key_file(path("a.key"));
  const auto second = create_key_file(path("b.key"));
  EXPECT_NE(first->public_key(), second->public_key());
  const auto again = create_key_file(path("a.key"));
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(read_key_file(path("a.key"))->public_key(), first->public_key());
  EXPECT_EQ(create_key_file(path("missing/a.key")).error().code, ErrorCode::kIo);
}

TEST_F(NamesAndKeys, OnlyTheOwnerCanReadAKey) {
  ASSERT_TRUE(create_key_file(path("a.key")).has_value());
  struct stat about {};
  ASSERT_EQ(::stat(path("a.key").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
  ::chmod(path("a.key").c_str(), 0640);
  const auto open = read_key_file(path("a.key"));
  ASSERT_FALSE(open.has_value());
  EXPECT_EQ(open.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(open.error().message.find("chmod 600"), std::string::npos) << open.error().message;
}

TEST_F(NamesAndKeys, ADamagedKeyFileIsNoKey) {
  ASSERT_TRUE(create_key_file(path("a.key")).has_value());
  std::ifstream in(path("a.key"));
  const std::string good{std::istreambuf_iterator<char>(in), {}};
  const auto code_of = [&](const std::string& text) {
    std::ofstream(path("a.key")) << text;
    const auto key = read_key_file(path("a.key"));
    return key ? ErrorCode::kInternal : key.error().code;
  };
  const std::size_t digit = good.find("\"seed\": \"") + 9;
  std::string other_seed = good;
  other_seed[digit] = other_seed[digit] == '0' ? '1' : '0';
  std::string short_seed = good;
  short_seed.erase(digit, 2);
  for (const std::string& bad : {std::string(), std::string("[]"), other_seed, short_seed}) {
    EXPECT_EQ(code_of(bad), ErrorCode::kMalformed) << bad;
  }
  EXPECT_EQ(read_key_file(path("none.key")).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(read_key_file(folder_).error().code, ErrorCode::kMalformed);
}

}  // namespace
}  // namespace orrery::testnet
