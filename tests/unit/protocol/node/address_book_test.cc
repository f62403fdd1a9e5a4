#include "protocol/node/address_book.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace orrery::chain {
namespace {

env::Address address(std::size_t i) { return {"sim/" + std::to_string(i)}; }
bool any(const env::Address&) { return true; }
Time at(std::int64_t seconds) { return Time{} + Duration::seconds(seconds); }

AddressBook book_of(std::size_t count) {
  AddressBook book;
  for (std::size_t i = 0; i < count; ++i) book.learn(address(i));
  return book;
}

TEST(AddressBook, TakesEachOnceBeforeAnyIsDialledAgain) {
  AddressBook book = book_of(10);
  std::set<std::string> taken;
  for (int i = 0; i < 10; ++i) taken.insert(book.take(7, at(1), any)->text);
  EXPECT_EQ(taken.size(), 10u);
  EXPECT_FALSE(book.take(7, at(1), any));
  EXPECT_FALSE(book.take(7, at(1) + AddressBook::kRedialAfter - Duration{1}, any));
  EXPECT_TRUE(book.take(7, at(1) + AddressBook::kRedialAfter, any));
}

TEST(AddressBook, TakesOnlyWhatFits) {
  AddressBook book = book_of(10);
  const auto third = [](const env::Address& a) { return a == address(3); };
  for (std::uint64_t draw = 0; draw < 30; ++draw) {
    AddressBook fresh = book;
    EXPECT_EQ(fresh.take(draw, at(0), third), address(3));
  }
  EXPECT_FALSE(AddressBook().take(0, at(0), any));
}

TEST(AddressBook, AFullBookLearnsNothingNew) {
  AddressBook book = book_of(AddressBook::kCapacity + 5);
  EXPECT_EQ(book.size(), AddressBook::kCapacity);
  book.forget(address(0));
  book.learn(address(AddressBook::kCapacity));
  EXPECT_EQ(book.size(), AddressBook::kCapacity);
}

TEST(AddressBook, WhatIsForgottenIsGoneAndTheRestIsFound) {
  AddressBook book = book_of(5);
  book.forget(address(1));
  book.forget(address(1));
  book.forget(address(4));
  book.learn(address(0));  // known
  ASSERT_EQ(book.size(), 3u);
  std::uint64_t draw = 0;
  auto all = book.sample(9, {}, [&] { return draw++; });
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (std::vector{address(0), address(2), address(3)}));
}

TEST(AddressBook, SamplesWithoutTheAskerAndWithoutRepetition) {
  const AddressBook book = book_of(50);
  std::uint64_t draw = 12345;
  const auto sample = book.sample(20, address(7), [&] { return draw = draw * 48271 % 2147483647; });
  EXPECT_EQ(sample.size(), 20u);
  EXPECT_EQ(std::set<env::Address>(sample.begin(), sample.end()).size(), 20u);
  EXPECT_EQ(std::count(sample.begin(), sample.end(), address(7)), 0);
}

}  // namespace
}  // namespace orrery::chain
