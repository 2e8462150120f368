#include "hub/digest.h"

#include <gtest/gtest.h>

#include "hub/fake_hub.h"

namespace lectern::hub {
namespace {

using testing::digest_of;

// As sha256sum and git hash-object give them.
TEST(Digest, AgreesWithSha256sumAndGit) {
  EXPECT_EQ(digest_of(DigestKind::sha256, "hello\n"),
            "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
  EXPECT_EQ(digest_of(DigestKind::sha256, ""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest_of(DigestKind::git_blob, "hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
  EXPECT_EQ(digest_of(DigestKind::git_blob, ""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

TEST(Digest, TakesContentInPieces) {
  const std::string text = "hello\n";
  Digest digest(DigestKind::git_blob, 6);
  for (const char& c : text) digest.add(std::as_bytes(std::span(&c, 1)));
  EXPECT_EQ(digest.finish(), "ce013625030ba8dba906f756967f9e9ca394464a");
}

}  // namespace
}  // namespace lectern::hub
