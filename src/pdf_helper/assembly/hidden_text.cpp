#include "pdf_helper/assembly/hidden_text.h"

// Without this qpdf warns of a type that it used to have.
#define POINTERHOLDER_TRANSITION 4

#include <exception>
#include <qpdf/Pl_Discard.hh>
#include <qpdf/Pl_String.hh>
#include <qpdf/QPDF.hh>
#include <qpdf/QPDFObjectHandle.hh>
#include <qpdf/QPDFPageObjectHelper.hh>
#include <set>
#include <vector>

#include "pdf_helper/deflated.h"
#include "pdf_helper/open_by_qpdf.h"

namespace lectern::pdf {
namespace {

constexpr int max_depth = 20;  // of forms within forms
constexpr int invisible = 3;   // rendering mode of text

// Passes content on without the text that is not seen.
class TextFilter final : public QPDFObjectHandle::TokenFilter {
 public:
  explicit TextFilter(int mode) : mode_(mode) {}

  void handleToken(const QPDFTokenizer::Token& token) override {
    const auto type = token.getType();
    pending_ += token.getRawValue();
    if (type == QPDFTokenizer::tt_integer || type == QPDFTokenizer::tt_real) numbers_.push_back(token.getRawValue());
    if (type == QPDFTokenizer::tt_name) name_ = token.getValue();
    if (type == QPDFTokenizer::tt_string && !token.getValue().empty()) has_letters_ = true;
    if (type != QPDFTokenizer::tt_word && type != QPDFTokenizer::tt_inline_image) return;
    finish(token.getRawValue());
    write(pending_);
    pending_.clear();
    numbers_.clear();
    has_letters_ = false;
  }
  void handleEOF() override { write(pending_); }

  struct Form {
    std::string name;
    int mode = 0;  // in which it begins
  };
  const std::vector<Form>& forms() const { return forms_; }
  bool seen() const { return seen_; }
  bool hidden() const { return hidden_; }
  bool dropped() const { return dropped_; }

 private:
  void finish(const std::string& command) {
    if (command == "q") modes_.push_back(mode_);
    if (command == "Q" && !modes_.empty()) {
      mode_ = modes_.back();
      modes_.pop_back();
    }
    if (command == "Tr" && !numbers_.empty()) mode_ = numbers_.back() == "3" ? invisible : 0;
    if (command == "Do") forms_.push_back({name_, mode_});
    const bool shows = command == "Tj" || command == "TJ" || command == "'" || command == "\"";
    if (!shows) return;
    if (mode_ != invisible) {
      seen_ = seen_ || has_letters_;
      return;
    }
    dropped_ = true;
    hidden_ = hidden_ || has_letters_;
    pending_ = "\n";
    if (command == "\"" && numbers_.size() >= 2) pending_ += numbers_[0] + " Tw " + numbers_[1] + " Tc ";
    if (command == "'" || command == "\"") pending_ += "T*\n";
  }

  int mode_;
  std::vector<int> modes_;  // of q
  std::string pending_;     // up to the next command
  std::vector<std::string> numbers_;
  std::string name_;
  bool has_letters_ = false, seen_ = false, hidden_ = false, dropped_ = false;
  std::vector<Form> forms_;
};

QPDFObjectHandle form_named(const QPDFObjectHandle& page, const std::string& name) {
  QPDFObjectHandle resources = QPDFPageObjectHelper(page).getAttribute("/Resources", false);
  QPDFObjectHandle objects = resources.isDictionary() ? resources.getKey("/XObject") : QPDFObjectHandle::newNull();
  QPDFObjectHandle form = objects.isDictionary() ? objects.getKey(name) : QPDFObjectHandle::newNull();
  return form.isFormXObject() ? form : QPDFObjectHandle::newNull();
}

void look_for_text(const QPDFObjectHandle& content, int mode, FoundText& found, std::set<QPDFObjGen>& done, int depth) {
  TextFilter filter(mode);
  Pl_Discard nothing;
  QPDFPageObjectHelper(content).filterContents(&filter, &nothing);
  found.seen = found.seen || filter.seen();
  found.hidden = found.hidden || filter.hidden();
  for (const TextFilter::Form& form : filter.forms()) {
    if (found.seen && found.hidden) return;
    QPDFObjectHandle object = form_named(content, form.name);
    if (object.isNull() || depth >= max_depth || !done.insert(object.getObjGen()).second) continue;
    look_for_text(object, form.mode, found, done, depth + 1);
  }
}

void drop(QPDF& pdf, QPDFObjectHandle& content, int mode, std::set<QPDFObjGen>& done, int depth) {
  TextFilter filter(mode);
  std::string rest;
  Pl_String to_string("rest", nullptr, rest);
  QPDFPageObjectHelper(content).filterContents(&filter, &to_string);
  for (const TextFilter::Form& form : filter.forms()) {
    QPDFObjectHandle object = form_named(content, form.name);
    if (object.isNull() || depth >= max_depth || !done.insert(object.getObjGen()).second) continue;
    drop(pdf, object, form.mode, done, depth + 1);
  }
  if (!filter.dropped()) return;
  QPDFObjectHandle stream = content.isStream() ? content : pdf.newStream();
  stream.replaceStreamData(deflated(rest), QPDFObjectHandle::newName("/FlateDecode"), QPDFObjectHandle::newNull());
  if (!content.isStream()) content.replaceKey("/Contents", stream);
}

}  // namespace

struct TextFinder::State {
  std::unique_ptr<QPDF> pdf;
  std::vector<QPDFObjectHandle> pages;
};

TextFinder::TextFinder(std::string_view file, const std::string& password) : state_(std::make_unique<State>()) {
  try {
    state_->pdf = open_by_qpdf(file, password);
    state_->pages = state_->pdf->getAllPages();
  } catch (const std::exception&) {
    state_->pages.clear();
  }
}
TextFinder::~TextFinder() = default;

FoundText TextFinder::text_of(int page) {
  if (page < 0 || static_cast<size_t>(page) >= state_->pages.size()) return {};
  std::set<QPDFObjGen> done;
  FoundText found;
  try {
    look_for_text(state_->pages[static_cast<size_t>(page)], 0, found, done, 0);
  } catch (const std::exception&) {
    return {};
  }
  return found;
}

void drop_hidden_text(QPDF& pdf, QPDFObjectHandle& page) {
  std::set<QPDFObjGen> done;
  drop(pdf, page, 0, done, 0);
}

}  // namespace lectern::pdf
