#include "cli/validators.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lectern::cli {
namespace {

TEST(NumberFromTo, LetsNothingElsePass) {
  const CLI::Validator validator = number_from_to(20, 1200);
  for (std::string text : {"20", "1200", "72.5", "2e2"}) EXPECT_EQ(validator(text), "") << text;
  for (const std::string text : {"19.9", "1201", "nan", "inf", "-inf", "text", ""}) {
    std::string given = text;
    EXPECT_EQ(validator(given), "Value " + text + " not in range 20 to 1200");
  }
}

TEST(EmptyValue, IsNamed) {
  std::string file, word;
  std::vector<std::string> files;
  CLI::App app;
  app.add_option("-o,--output", file)->type_name("FILE|FOLDER");
  app.add_option("--prompt", word)->type_name("TEXT");
  app.add_option("--image", files)->type_name("PAGES");
  app.parse(std::vector<std::string>{"x", "-o", "", "--prompt"});
  EXPECT_EQ(empty_value(app), "") << "all are given";
  app.parse(std::vector<std::string>{"", "-o"});
  EXPECT_EQ(empty_value(app), "--output '': expected a name; leave the option out for its default");
  app.parse(std::vector<std::string>{"", "--prompt"});
  EXPECT_EQ(empty_value(app), "") << "an empty text is one";
  app.parse(std::vector<std::string>{"", "a", "--image"});
  EXPECT_NE(empty_value(app), "");
}

}  // namespace
}  // namespace lectern::cli
