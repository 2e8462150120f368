#include "pdf_helper/assembly/assembly.h"

// Without this qpdf warns of a type that it used to have.
#define POINTERHOLDER_TRANSITION 4

#include <algorithm>
#include <array>
#include <exception>
#include <map>
#include <memory>
#include <qpdf/Pipeline.hh>
#include <qpdf/QPDF.hh>
#include <qpdf/QPDFAcroFormDocumentHelper.hh>
#include <qpdf/QPDFEmbeddedFileDocumentHelper.hh>
#include <qpdf/QPDFObjectHandle.hh>
#include <qpdf/QPDFPageLabelDocumentHelper.hh>
#include <qpdf/QPDFPageObjectHelper.hh>
#include <qpdf/QPDFWriter.hh>
#include <qpdf/QUtil.hh>
#include <set>
#include <stdexcept>

#include "core/files/own_output.h"
#include "pdf_helper/assembly/bookmarks.h"
#include "pdf_helper/assembly/drawn_notes.h"
#include "pdf_helper/assembly/form_fields.h"
#include "pdf_helper/assembly/hidden_text.h"
#include "pdf_helper/assembly/page_geometry.h"
#include "pdf_helper/assembly/seen_text.h"
#include "pdf_helper/open_by_qpdf.h"

namespace lectern::pdf {
namespace {

using Objects = std::vector<QPDFObjectHandle>;

class ToSink final : public Pipeline {
 public:
  explicit ToSink(const std::function<void(std::string_view)>& sink) : Pipeline("sink", nullptr), sink_(sink) {}
  void write(const unsigned char* data, size_t size) override { sink_({reinterpret_cast<const char*>(data), size}); }
  void finish() override {}

 private:
  const std::function<void(std::string_view)>& sink_;
};

bool read_rectangle(QPDFObjectHandle value, Rectangle& rectangle) {
  if (!value.isArray() || value.getArrayNItems() != 4) return false;
  std::array<double, 4> sides{};
  for (int i = 0; i < 4; ++i) {
    if (!value.getArrayItem(i).isNumber()) return false;
    sides[static_cast<size_t>(i)] = value.getArrayItem(i).getNumericValue();
  }
  rectangle = {std::min(sides[0], sides[2]), std::min(sides[1], sides[3]), std::max(sides[0], sides[2]),
               std::max(sides[1], sides[3])};
  return true;
}

// What is shown of a page, in its own units, as poppler sees it.
Rectangle shown_part(const QPDFObjectHandle& page) {
  QPDFPageObjectHelper helper(page);
  constexpr Rectangle letter{0, 0, 612, 792};  // for a box that is missing or empty
  Rectangle media = letter;
  read_rectangle(helper.getAttribute("/MediaBox", false), media);
  if (media.left == media.right || media.bottom == media.top) media = letter;
  Rectangle crop = media;
  read_rectangle(helper.getAttribute("/CropBox", false), crop);
  return {std::clamp(crop.left, media.left, media.right), std::clamp(crop.bottom, media.bottom, media.top),
          std::clamp(crop.right, media.left, media.right), std::clamp(crop.top, media.bottom, media.top)};
}

// Degrees clockwise.
int turn_of(const QPDFObjectHandle& page) {
  QPDFObjectHandle turn = QPDFPageObjectHelper(page).getAttribute("/Rotate", false);
  return turn.isInteger() ? static_cast<int>((turn.getIntValue() % 360 + 360) % 360) : 0;
}

class Assembler {
 public:
  Assembler(const AssemblyPlan& plan, std::string_view file);
  // -> what of the pages was lost, in words
  std::vector<std::string> write(const std::function<void(std::string_view)>& sink);

 private:
  Objects& pages_of(QPDF& pdf) { return &pdf == &layers_ ? layer_pages_ : pages_.at(&pdf); }
  QPDF& source_of(const PlannedPage& page) {
    return page.page < 0 ? layers_ : *parts_.at(static_cast<size_t>(page.part));
  }
  QPDFObjectHandle in_result(const QPDFObjectHandle& object) {
    return object.getOwningQPDF() == base_ ? object : base_->copyForeignObject(object);
  }
  void drop_other_pages();
  void add_other_pages();
  void add_attachments();
  void forget_page(QPDFObjectHandle page, std::set<QPDFObjGen>& gone);
  void lay_over(const PlannedPage& plan, QPDFObjectHandle page);
  void add_notes(QPDFObjectHandle page, QPDFObjectHandle layer, const Matrix& matrix);

  const AssemblyPlan& plan_;
  std::vector<std::unique_ptr<QPDF>> parts_;  // null for one without bytes
  QPDF layers_;
  std::map<QPDF*, Objects> pages_;  // as they were
  Objects layer_pages_;
  QPDF* base_ = nullptr;  // which becomes the result
  Objects result_;        // its pages, in order
  DrawnNotes drawn_;
};

Assembler::Assembler(const AssemblyPlan& plan, std::string_view file) : plan_(plan) {
  const auto bytes_at = [&](const AssemblyPlan::Place& place) {
    const bool inside = place.bytes <= file.size() && place.offset <= file.size() - place.bytes;
    if (!inside) throw std::runtime_error("the file is shorter than the plan says");
    return file.substr(place.offset, place.bytes);
  };
  const std::string_view layers = bytes_at(plan.layers);
  layers_.setSuppressWarnings(true);
  layers_.processMemoryFile("layers", layers.data(), layers.size());
  layer_pages_ = layers_.getAllPages();
  for (const AssemblyPlan::Input& input : plan.inputs) {
    parts_.push_back(input.place.bytes == 0 ? nullptr : open_by_qpdf(bytes_at(input.place), plan.password));
    if (parts_.back()) pages_[parts_.back().get()] = parts_.back()->getAllPages();
  }
  base_ = !parts_.empty() && parts_.front() ? parts_.front().get() : &layers_;
  for (const PlannedPage& page : plan.pages) {
    if (page.part < 0 || static_cast<size_t>(page.part) >= parts_.size()) throw std::runtime_error("no such part");
    if (page.page >= 0 && !parts_[static_cast<size_t>(page.part)]) throw std::runtime_error("no such part");
    const auto count = [](const Objects& pages) { return static_cast<int64_t>(pages.size()); };
    if (page.page >= count(pages_of(source_of(page))) || page.layer >= count(layer_pages_) ||
        (page.page < 0 && page.layer < 0)) {
      throw std::runtime_error("the file has fewer pages than were read");
    }
  }
}

// The page goes, and with it all that leads to it.
void Assembler::forget_page(QPDFObjectHandle page, std::set<QPDFObjGen>& gone) {
  gone.insert(page.getObjGen());
  QPDFObjectHandle notes = page.getKey("/Annots");
  for (int i = 0; notes.isArray() && i < notes.getArrayNItems(); ++i) gone.insert(notes.getArrayItem(i).getObjGen());
}

// Labels of the pages that are left, each as it was.
void keep_labels(QPDF& pdf, const std::vector<int>& kept) {
  QPDFPageLabelDocumentHelper labels(pdf);
  if (!labels.hasPageLabels()) return;
  QPDFObjectHandle numbers = QPDFObjectHandle::newArray();
  for (size_t i = 0; i < kept.size(); ++i) {
    QPDFObjectHandle label = labels.getLabelForPage(kept[i]);
    numbers.appendItem(QPDFObjectHandle::newInteger(static_cast<long long>(i)));
    numbers.appendItem(label.isNull() ? QPDFObjectHandle::newDictionary() : label);
  }
  QPDFObjectHandle tree = QPDFObjectHandle::newDictionary();
  tree.replaceKey("/Nums", numbers);
  pdf.getRoot().replaceKey("/PageLabels", tree);
}

// Leaves the pages of the base that are wanted.
void Assembler::drop_other_pages() {
  Objects all = pages_of(*base_);
  std::vector<bool> wanted(all.size());
  std::vector<int> kept;
  if (base_ != &layers_) {
    for (const PlannedPage& page : plan_.pages) {
      if (&source_of(page) != base_) continue;
      wanted[static_cast<size_t>(page.page)] = true;
      kept.push_back(page.page);
    }
    if (kept.size() < all.size()) keep_labels(*base_, kept);
  }
  std::set<QPDFObjGen> gone;
  for (size_t i = all.size(); i-- > 0;) {
    if (wanted[i]) continue;
    if (base_ != &layers_) forget_page(all[i], gone);
    base_->removePage(all[i]);
  }
  if (!gone.empty()) {
    keep_bookmarks(*base_, gone);
    if (QPDFObjectHandle form = base_->getRoot().getKey("/AcroForm"); form.isDictionary()) {
      drop_fields(form, "/Fields", gone);
    }
    // Whatever else leads there, as a link does, leads nowhere now.
    for (const QPDFObjGen& object : gone) {
      if (object.isIndirect()) base_->replaceObject(object, QPDFObjectHandle::newNull());
    }
  }
}

// Puts the pages of all parts in order; what those of others have of forms goes into the form of the base.
void Assembler::add_other_pages() {
  const Objects all = pages_of(*base_);
  std::map<QPDF*, std::unique_ptr<QPDFAcroFormDocumentHelper>> forms;
  const auto form_of = [&](QPDF& pdf) -> QPDFAcroFormDocumentHelper& {
    std::unique_ptr<QPDFAcroFormDocumentHelper>& form = forms[&pdf];
    if (!form) form = std::make_unique<QPDFAcroFormDocumentHelper>(pdf);
    return *form;
  };
  for (const PlannedPage& page : plan_.pages) {
    QPDF& source = source_of(page);
    const auto index = static_cast<size_t>(page.page < 0 ? page.layer : page.page);
    if (&source == base_ && base_ != &layers_) {
      result_.push_back(all[index]);
      continue;
    }
    const QPDFObjectHandle from = pages_of(source)[index];
    // The form of the base is looked at before there is a page that it does not know. Of one that is broken the pages
    // keep their annotations as they came.
    bool has_form = false;
    try {
      has_form = &source != &layers_ && form_of(source).hasAcroForm();
      if (has_form) form_of(*base_);
    } catch (const std::exception&) {
      has_form = false;
    }
    base_->addPage(from, false);
    result_.push_back(base_->getAllPages().back());
    if (!has_form) continue;
    try {
      form_of(*base_).fixCopiedAnnotations(result_.back(), from, form_of(source));
    } catch (const std::exception&) {
      continue;
    }
  }
}

// Those of all parts, under names that differ.
void Assembler::add_attachments() {
  QPDFEmbeddedFileDocumentHelper all(*base_);
  for (const std::unique_ptr<QPDF>& part : parts_) {
    if (!part || part.get() == base_) continue;
    QPDFEmbeddedFileDocumentHelper others(*part);
    for (const auto& [name, file] : others.getEmbeddedFiles()) {
      std::string other_name = name;
      for (int i = 2; all.getEmbeddedFile(other_name); ++i) other_name = name + " (" + std::to_string(i) + ")";
      all.replaceEmbeddedFile(other_name, QPDFFileSpecObjectHelper(in_result(file->getObjectHandle())));
    }
  }
}

void Assembler::add_notes(QPDFObjectHandle page, QPDFObjectHandle layer, const Matrix& matrix) {
  QPDFObjectHandle notes = layer.getKey("/Annots");
  if (!notes.isArray()) return;
  QPDFObjectHandle all = page.getKey("/Annots");
  all = all.isArray() ? all.shallowCopy() : QPDFObjectHandle::newArray();
  for (int i = 0; i < notes.getArrayNItems(); ++i) {
    QPDFObjectHandle note = in_result(notes.getArrayItem(i));
    Rectangle at;
    if (read_rectangle(note.getKey("/Rect"), at)) {
      const auto a = moved(matrix, at.left, at.bottom), b = moved(matrix, at.right, at.top);
      note.replaceKey(
          "/Rect", QPDFObjectHandle::newArray(QPDFObjectHandle::Rectangle(std::min(a[0], b[0]), std::min(a[1], b[1]),
                                                                          std::max(a[0], b[0]), std::max(a[1], b[1]))));
    }
    all.appendItem(note);
  }
  page.replaceKey("/Annots", all);
}

// The layer is drawn before all else, so that it does not matter in which state the page's own content leaves things.
void Assembler::lay_over(const PlannedPage& plan, QPDFObjectHandle page) {
  QPDFObjectHandle layer_page = layer_pages_[static_cast<size_t>(plan.layer)];
  Rectangle from;
  read_rectangle(layer_page.getKey("/MediaBox"), from);
  const Rectangle to = shown_part(page);
  if (!(from.right > from.left && from.top > from.bottom && to.right > to.left && to.top > to.bottom)) return;
  const Matrix matrix = to_page(from, to, plan.turn);
  add_notes(page, layer_page, matrix);
  QPDFObjectHandle layer = layer_page.getKey("/Resources").getKey("/XObject").getKey("/Layer");
  if (!layer.isStream()) return;

  const bool instead = plan.use == LayerUse::instead;
  QPDFObjectHandle resources = QPDFPageObjectHelper(page).getAttribute("/Resources", true);
  if (instead || !resources.isDictionary()) {
    resources = QPDFObjectHandle::newDictionary();
    page.replaceKey("/Resources", resources);
  }
  QPDFObjectHandle objects = resources.getKey("/XObject");
  objects = objects.isDictionary() ? objects.shallowCopy() : QPDFObjectHandle::newDictionary();
  resources.replaceKey("/XObject", objects);
  int suffix = 1;
  const std::string name = resources.getUniqueResourceName("/Lectern", suffix);
  QPDFObjectHandle drawn = in_result(layer);
  if (plan.use == LayerUse::anew) {
    const std::vector<Rectangle> seen = seen_words(page, to, turn_of(page));
    if (!seen.empty()) {
      drawn.replaceStreamData(without_words_over(layer, matrix, seen), QPDFObjectHandle::newNull(),
                              QPDFObjectHandle::newNull());
    }
  }
  objects.replaceKey(name, drawn);
  std::string content = "q ";
  for (const double value : matrix) content += QUtil::double_to_string(value, 6) + " ";
  QPDFObjectHandle drawing = base_->newStream(content + "cm " + name + " Do Q\n");
  if (instead) {
    page.replaceKey("/Contents", drawing);
  } else {
    page.addPageContents(drawing, true);
  }
  if (const int turn = turn_of(page); turn != plan.turn) {
    page.replaceKey("/Rotate", QPDFObjectHandle::newInteger(plan.turn));
  }
}

std::vector<std::string> Assembler::write(const std::function<void(std::string_view)>& sink) {
  const bool linearized = base_ != &layers_ && base_->isLinearized();
  std::vector<BookmarkedPart> bookmarks;
  if (plan_.inputs.size() > 1) {
    for (size_t i = 0; i < parts_.size(); ++i) bookmarks.push_back({plan_.inputs[i].title, parts_[i].get(), {}, {}});
  }
  drop_other_pages();
  add_other_pages();
  add_attachments();
  for (size_t i = 0; i < result_.size(); ++i) {
    const PlannedPage& plan = plan_.pages[i];
    if (plan.page >= 0 && plan.use == LayerUse::anew) drop_hidden_text(*base_, result_[i]);
    if (plan.page >= 0 && plan.use == LayerUse::instead) drawn_.drop(result_[i]);
    if (plan.page >= 0 && plan.layer >= 0) lay_over(plan, result_[i]);
    if (bookmarks.empty()) continue;
    BookmarkedPart& part = bookmarks[static_cast<size_t>(plan.part)];
    if (!part.first.isInitialized()) part.first = result_[i];
    if (plan.page >= 0) {
      part.pages[pages_of(source_of(plan))[static_cast<size_t>(plan.page)].getObjGen()] = result_[i];
    }
  }
  drawn_.drop_fields_of(*base_);
  if (!bookmarks.empty()) nest_bookmarks(*base_, bookmarks);

  ToSink output(sink);
  QPDFWriter writer(*base_);
  writer.setOutputPipeline(&output);
  writer.setStreamDataMode(qpdf_s_preserve);
  writer.setPreserveEncryption(false);
  writer.setLinearization(linearized);
  writer.setMinimumPDFVersion("1.4");
  writer.setDeterministicID(true);
  writer.setExtraHeaderText(std::string(pdf_mark));
  writer.write();
  return drawn_.lost();
}

}  // namespace

std::vector<std::string> assemble(const AssemblyPlan& plan, std::string_view file,
                                  const std::function<void(std::string_view)>& sink) {
  return Assembler(plan, file).write(sink);
}

}  // namespace lectern::pdf
