// Files and feeds for the tests of the feed tools.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/command.h"
#include "tools/feed/feed_file.h"

namespace tools {

// A path in a folder of the running test alone; the folder is made anew for each test.
inline std::string TestPath(const std::string& name) {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  const auto folder = std::filesystem::path(testing::TempDir()) /
                      (std::string("peerwatt_") + test->test_suite_name() + "_" + test->name());
  std::filesystem::create_directories(folder);
  return (folder / name).string();
}

inline std::string WriteText(const std::string& name, std::string_view text) {
  std::string path = TestPath(name);
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

inline std::string ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A folder with recorded data; empty where the machine has none.
inline std::string DataFolder(const std::string& name) {
  const char* data = std::getenv("PEERWATT_DATA");
  if (data == nullptr || !std::filesystem::exists(std::filesystem::path(data) / name)) return "";
  return (std::filesystem::path(data) / name).string();
}

// An order of a feed and what it came with.
struct FedOrder {
  engine::CommandType type{};
  std::int64_t time_ns = 0;
  engine::CredentialId credential{};
  engine::OrderBody order;
};

// All submitted and replacing orders of a feed, in its order.
inline std::vector<FedOrder> OrdersOf(const std::string& path) {
  auto feed = FeedReader::Open(path);
  EXPECT_TRUE(feed.ok()) << feed.status();
  std::vector<FedOrder> orders;
  while (feed.ok()) {
    const auto command = feed->Next();
    EXPECT_TRUE(command.ok()) << command.status();
    if (!command.ok() || !command->has_value()) break;
    const engine::CommandHeader& header = (*command)->header();
    if (header.type != engine::CommandType::kSubmitOrders &&
        header.type != engine::CommandType::kReplaceOrders) {
      continue;
    }
    for (const engine::OrderBody& order : (*command)->Items<engine::OrderBody>()) {
      orders.push_back({header.type, header.time_ns, header.credential, order});
    }
  }
  return orders;
}

// The bodies of one kind of definition in a feed.
template <typename Body>
std::vector<Body> DefinitionsOf(const std::string& path, engine::CommandType type) {
  auto feed = FeedReader::Open(path);
  EXPECT_TRUE(feed.ok()) << feed.status();
  std::vector<Body> bodies;
  while (feed.ok()) {
    const auto command = feed->Next();
    if (!command.ok() || !command->has_value()) break;
    if ((*command)->header().type != type) continue;
    for (const Body& body : (*command)->Items<Body>()) bodies.push_back(body);
  }
  return bodies;
}

// Writes a feed with `make`, a function of a FeedWriter, and returns its path.
template <typename Make>
std::string MakeFeed(const std::string& name, FeedSource source, const Make& make) {
  std::string path = TestPath(name);
  auto feed = FeedWriter::Create(path, source, 1);
  EXPECT_TRUE(feed.ok()) << feed.status();
  if (!feed.ok()) return path;
  const absl::Status made = make(*feed);
  EXPECT_TRUE(made.ok()) << made;
  const absl::Status finished = feed->Finish();
  EXPECT_TRUE(finished.ok()) << finished;
  return path;
}

}  // namespace tools
