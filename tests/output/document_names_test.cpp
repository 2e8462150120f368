#include "output/document_names.h"

#include <gtest/gtest.h>

namespace lectern {
namespace {

TEST(DocumentNames, HoldNoFolders) {
  EXPECT_EQ(document_title("/home/ann/scans/scan 1.pdf"), "scan 1.pdf");
  EXPECT_EQ(document_title("scan.pdf"), "scan.pdf");
  EXPECT_EQ(document_title("-"), "Standard input");
  EXPECT_EQ(model_label("/home/ann/models/primer/"), "primer");
  EXPECT_EQ(model_label("primer"), "primer");
  EXPECT_EQ(model_label(""), "");
  EXPECT_EQ(model_label("/"), "/");
  EXPECT_EQ(model_label("/home/ann/.cache/lectern/models/deepseek-ai--DeepSeek-OCR/"
                        "0123456789abcdef0123456789abcdef01234567"),
            "deepseek-ai/DeepSeek-OCR@0123456789ab");
}

}  // namespace
}  // namespace lectern
