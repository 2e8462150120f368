#include "layout/text/formula_text.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace lectern {
namespace {

TEST(FormulaText, IsWhatIsPrinted) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"\\( x^{2} = \\frac{a+b}{2} \\leq \\alpha \\)", "x^2 = (a+b)/2 ≤α"},
      {"$E = mc^2$", "E = mc^2"},
      {"$$\\sum_{i=1}^{n} x_i$$", "∑_(i=1)^n x_i"},
      {"\\[ \\sqrt{2} + \\sqrt[3]{x + 1} \\]", "√2 + √(x + 1)"},
      {"\\(\\sin x + \\log_{10} y\\)", "sin x + log_10 y"},
      {"\\(2\\sin\\theta\\)", "2 sin θ"},
      {"\\(\\mathrm{CO}_2\\)", "CO_2"},
      {"\\[ \\begin{array}{cc} a & b \\\\[2pt] c & d \\end{array} \\]", "a b \nc d"},
      {"\\(\\left( a \\right. \\text{ if so}, 5\\% \\{x\\}\\)", "( a  if so, 5% {x}"},
      {"\\[ a = b \\tag{3} \\]", "a = b  (3)"},
      {"\\(f'(x) \\quad \\unknown{y}\\)", "f'(x)  unknowny"},
      {"\\( \\frac12 \\)", "1/2"},
      {"no formula \\alpha", "no formula \\alpha"}};
  for (const auto& [formula, printed] : cases) EXPECT_EQ(printed_formula(formula), printed) << formula;
}

TEST(FormulaText, TakesWhatIsBroken) {
  for (const std::string broken : {"\\(\\)", "\\(^\\)", "\\({{{\\)", "\\(}}}\\)", "\\(\\frac\\)", "\\(\\frac{a\\)",
                                   "$$", "\\(\\sqrt[\\)", "\\(\\begin{\\)", "\\(x_\\)", "$\\$", "\\(\\left\\)"}) {
    printed_formula(broken);
  }
  const std::string deep = "\\(" + std::string(100'000, '{') + "x" + std::string(100'000, '}') + "\\)";
  EXPECT_LE(printed_formula(deep).size(), 1u);
  std::string fractions = "\\(";
  for (int i = 0; i < 20'000; ++i) fractions += "\\frac";
  EXPECT_LT(printed_formula(fractions + "\\)").size(), 200'000u);
}

TEST(FormulaText, IsTextOfATree) {
  TextTree tree = parse_text({"text", {}, {}, "Let \\(x^2\\) be **more** than $y$."});
  print_formulas(tree);
  ASSERT_EQ(tree.size(), 1u);
  std::string text;
  for (const TextRun& run : tree[0].runs) {
    EXPECT_EQ(run.kind, TextRun::Kind::text);
    text += run.text;
  }
  EXPECT_EQ(text, "Let x^2 be more than y.");
}

}  // namespace
}  // namespace lectern
