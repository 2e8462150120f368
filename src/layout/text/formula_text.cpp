#include "layout/text/formula_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/text.h"

namespace lectern {
namespace {

constexpr int max_depth = 40;  // of groups within groups; deeper ones are passed through

using Entry = std::pair<std::string_view, std::string_view>;

constexpr std::array signs = {Entry{"alpha", "α"},
                              Entry{"beta", "β"},
                              Entry{"gamma", "γ"},
                              Entry{"delta", "δ"},
                              Entry{"epsilon", "ε"},
                              Entry{"varepsilon", "ε"},
                              Entry{"zeta", "ζ"},
                              Entry{"eta", "η"},
                              Entry{"theta", "θ"},
                              Entry{"vartheta", "ϑ"},
                              Entry{"iota", "ι"},
                              Entry{"kappa", "κ"},
                              Entry{"lambda", "λ"},
                              Entry{"mu", "μ"},
                              Entry{"nu", "ν"},
                              Entry{"xi", "ξ"},
                              Entry{"pi", "π"},
                              Entry{"rho", "ρ"},
                              Entry{"sigma", "σ"},
                              Entry{"varsigma", "ς"},
                              Entry{"tau", "τ"},
                              Entry{"upsilon", "υ"},
                              Entry{"phi", "φ"},
                              Entry{"varphi", "φ"},
                              Entry{"chi", "χ"},
                              Entry{"psi", "ψ"},
                              Entry{"omega", "ω"},
                              Entry{"Gamma", "Γ"},
                              Entry{"Delta", "Δ"},
                              Entry{"Theta", "Θ"},
                              Entry{"Lambda", "Λ"},
                              Entry{"Xi", "Ξ"},
                              Entry{"Pi", "Π"},
                              Entry{"Sigma", "Σ"},
                              Entry{"Upsilon", "Υ"},
                              Entry{"Phi", "Φ"},
                              Entry{"Psi", "Ψ"},
                              Entry{"Omega", "Ω"},
                              Entry{"times", "×"},
                              Entry{"cdot", "·"},
                              Entry{"div", "÷"},
                              Entry{"pm", "±"},
                              Entry{"mp", "∓"},
                              Entry{"ast", "*"},
                              Entry{"star", "⋆"},
                              Entry{"circ", "∘"},
                              Entry{"bullet", "•"},
                              Entry{"leq", "≤"},
                              Entry{"le", "≤"},
                              Entry{"geq", "≥"},
                              Entry{"ge", "≥"},
                              Entry{"neq", "≠"},
                              Entry{"ne", "≠"},
                              Entry{"approx", "≈"},
                              Entry{"equiv", "≡"},
                              Entry{"sim", "∼"},
                              Entry{"simeq", "≃"},
                              Entry{"cong", "≅"},
                              Entry{"propto", "∝"},
                              Entry{"ll", "≪"},
                              Entry{"gg", "≫"},
                              Entry{"sum", "∑"},
                              Entry{"prod", "∏"},
                              Entry{"int", "∫"},
                              Entry{"iint", "∬"},
                              Entry{"oint", "∮"},
                              Entry{"partial", "∂"},
                              Entry{"nabla", "∇"},
                              Entry{"infty", "∞"},
                              Entry{"in", "∈"},
                              Entry{"notin", "∉"},
                              Entry{"subset", "⊂"},
                              Entry{"subseteq", "⊆"},
                              Entry{"supset", "⊃"},
                              Entry{"supseteq", "⊇"},
                              Entry{"cup", "∪"},
                              Entry{"cap", "∩"},
                              Entry{"emptyset", "∅"},
                              Entry{"varnothing", "∅"},
                              Entry{"forall", "∀"},
                              Entry{"exists", "∃"},
                              Entry{"neg", "¬"},
                              Entry{"wedge", "∧"},
                              Entry{"vee", "∨"},
                              Entry{"to", "→"},
                              Entry{"rightarrow", "→"},
                              Entry{"leftarrow", "←"},
                              Entry{"leftrightarrow", "↔"},
                              Entry{"Rightarrow", "⇒"},
                              Entry{"Leftarrow", "⇐"},
                              Entry{"Leftrightarrow", "⇔"},
                              Entry{"iff", "⇔"},
                              Entry{"implies", "⇒"},
                              Entry{"mapsto", "↦"},
                              Entry{"uparrow", "↑"},
                              Entry{"downarrow", "↓"},
                              Entry{"ldots", "…"},
                              Entry{"cdots", "⋯"},
                              Entry{"dots", "…"},
                              Entry{"vdots", "⋮"},
                              Entry{"ddots", "⋱"},
                              Entry{"prime", "′"},
                              Entry{"degree", "°"},
                              Entry{"ell", "ℓ"},
                              Entry{"hbar", "ℏ"},
                              Entry{"Re", "ℜ"},
                              Entry{"Im", "ℑ"},
                              Entry{"langle", "⟨"},
                              Entry{"rangle", "⟩"},
                              Entry{"lfloor", "⌊"},
                              Entry{"rfloor", "⌋"},
                              Entry{"lceil", "⌈"},
                              Entry{"rceil", "⌉"},
                              Entry{"mid", "|"},
                              Entry{"vert", "|"},
                              Entry{"Vert", "‖"},
                              Entry{"parallel", "∥"},
                              Entry{"perp", "⊥"},
                              Entry{"angle", "∠"},
                              Entry{"oplus", "⊕"},
                              Entry{"otimes", "⊗"},
                              Entry{"coloneqq", ":="},
                              Entry{"quad", " "},
                              Entry{"qquad", " "},
                              Entry{"lbrace", "{"},
                              Entry{"rbrace", "}"}};

// Commands of which nothing is seen but what follows them.
constexpr std::array<std::string_view, 38> unseen = {
    "left",     "right",      "big",         "Big",          "bigg",   "Bigg",    "bigl",         "bigr",
    "Bigl",     "Bigr",       "mathrm",      "mathbf",       "mathit", "mathcal", "mathbb",       "mathsf",
    "mathfrak", "boldsymbol", "bm",          "operatorname", "hat",    "bar",     "vec",          "tilde",
    "overline", "underline",  "widehat",     "widetilde",    "dot",    "ddot",    "displaystyle", "textstyle",
    "limits",   "nolimits",   "scriptstyle", "rm",           "bf",     "it"};
constexpr std::array<std::string_view, 8> texts = {"text", "textbf", "textit", "textrm",
                                                   "mbox", "hbox",   "texttt", "textsf"};

template <class List>
bool is_one_of(const List& list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

// In parentheses where it would be taken for shorter than it is.
std::string whole(const std::string& part) {
  const std::string_view inner = trimmed(part);
  const bool simple = std::ranges::all_of(
      inner, [](char c) { return is_letter(c) || is_digit(c) || c == '.' || static_cast<unsigned char>(c) >= 0x80; });
  return simple ? std::string(inner) : "(" + std::string(inner) + ")";
}

class FormulaPrinter {
 public:
  explicit FormulaPrinter(std::string_view text) : text_(text) {}

  std::string print() {
    std::string out;
    while (at_ < text_.size()) atom(out, 0);
    return out;
  }

 private:
  void skip_spaces() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  // To behind its brace.
  std::string group(int depth) {
    std::string out;
    while (at_ < text_.size() && text_[at_] != '}') atom(out, depth + 1);
    if (at_ < text_.size()) ++at_;
    return out;
  }

  // What a command is about: a group, or the next sign.
  std::string argument(int depth) {
    skip_spaces();
    std::string out;
    if (at_ < text_.size() && text_[at_] != '}') atom(out, depth + 1);
    return out;
  }

  // As written, to behind the brace; empty where no group begins.
  std::string literal() {
    skip_spaces();
    if (at_ == text_.size() || text_[at_] != '{') return "";
    const size_t end = std::min(text_.find('}', at_), text_.size());
    std::string out(text_.substr(at_ + 1, end - at_ - 1));
    at_ = std::min(end + 1, text_.size());
    return out;
  }

  // One thing, whatever it is; always goes on.
  void atom(std::string& out, int depth) {
    const char c = text_[at_++];
    if (is_space(c) || c == '&' || c == '~') {
      if (!out.empty() && !is_space(out.back())) out += ' ';
    } else if (c == '{') {
      if (depth < max_depth) out += group(depth);
    } else if (c == '}') {
      return;
    } else if (c == '^' || c == '_') {
      if (depth >= max_depth) return;
      const std::string script = argument(depth);
      if (!is_blank(script)) out += (script == "′" ? "" : std::string(1, c)) + whole(script);
    } else if (c == '\\') {
      command(out, depth);
    } else {
      out += c;
    }
  }

  void command(std::string& out, int depth) {
    if (at_ == text_.size()) return;
    if (!is_letter(text_[at_])) return sign(out);
    const size_t begin = at_;
    while (at_ < text_.size() && is_letter(text_[at_])) ++at_;
    const std::string_view name = text_.substr(begin, at_ - begin);
    if (const auto* const found = std::ranges::find(signs, name, &Entry::first); found != signs.end()) {
      skip_spaces();
      out += found->second;
    } else if (is_one_of(texts, name)) {
      out += literal();
    } else if (name == "begin" || name == "end") {
      if (literal() == "array" && name == "begin") literal();
    } else if (name == "label") {
      literal();
    } else if (name == "tag") {
      out += " (" + literal() + ")";
    } else if (is_one_of(unseen, name)) {
      skip_spaces();
      if (name == "right" || name == "left") at_ += text_.substr(at_).starts_with('.') ? 1 : 0;
    } else if (depth < max_depth && (name == "frac" || name == "dfrac" || name == "tfrac")) {
      const std::string above = argument(depth);
      out += whole(above) + "/" + whole(argument(depth));
    } else if (depth < max_depth && name == "sqrt") {
      skip_spaces();
      if (at_ < text_.size() && text_[at_] == '[') at_ = std::min(text_.find(']', at_), text_.size() - 1) + 1;
      out += "√" + whole(argument(depth));
    } else {
      // sin, log, max, and what is not known
      if (!out.empty() && (is_letter(out.back()) || is_digit(out.back()))) out += ' ';
      out += name;
      skip_spaces();
      if (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]) || text_[at_] == '\\')) out += ' ';
    }
  }

  // A command of one character that is no letter.
  void sign(std::string& out) {
    const char c = text_[at_++];
    switch (c) {
      case '\\':
        out += '\n';
        if (at_ < text_.size() && text_[at_] == '[') at_ = std::min(text_.find(']', at_), text_.size() - 1) + 1;
        break;
      case ',':
      case ';':
      case ':':
      case ' ': out += ' '; break;
      case '!': break;
      case '|': out += "‖"; break;
      default: out += c;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
};

void print(TextRuns& runs) {
  for (TextRun& run : runs) {
    if (run.kind != TextRun::Kind::formula) continue;
    run.kind = TextRun::Kind::text;
    run.text = printed_formula(run.text);
  }
}

}  // namespace

std::string printed_formula(std::string_view formula) {
  for (const auto& [begin, end] : {Entry{"\\(", "\\)"}, Entry{"\\[", "\\]"}, Entry{"$$", "$$"}, Entry{"$", "$"}}) {
    if (formula.size() < begin.size() + end.size() || !formula.starts_with(begin) || !formula.ends_with(end)) continue;
    const std::string_view inner = formula.substr(begin.size(), formula.size() - begin.size() - end.size());
    return std::string(trimmed(FormulaPrinter(trimmed(inner)).print()));
  }
  return std::string(formula);
}

void print_formulas(TextTree& tree) {
  for (TextElement& element : tree) {
    print(element.runs);
    for (TableRow& row : element.rows) {
      for (TableCell& cell : row.cells) print(cell.runs);
    }
  }
}

}  // namespace lectern
