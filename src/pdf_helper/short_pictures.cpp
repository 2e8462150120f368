#include "pdf_helper/short_pictures.h"

// Without this qpdf warns of a type that it used to have.
#define POINTERHOLDER_TRANSITION 4

#include <cstdint>
#include <exception>
#include <qpdf/Pipeline.hh>
#include <qpdf/QPDF.hh>
#include <qpdf/QPDFObjectHandle.hh>
#include <qpdf/QPDFPageObjectHelper.hh>
#include <set>
#include <vector>

#include "pdf_helper/open_by_qpdf.h"

namespace lectern::pdf {
namespace {

constexpr int max_depth = 20;  // of forms within forms

// Thrown to end the decoding of data of which there is enough.
struct Enough {};

class Counter final : public Pipeline {
 public:
  explicit Counter(int64_t needed) : Pipeline("count", nullptr), needed_(needed) {}
  void write(const unsigned char*, size_t size) override {
    count_ += static_cast<int64_t>(size);
    if (count_ >= needed_) throw Enough();
  }
  void finish() override {}
  int64_t count() const { return count_; }

 private:
  int64_t needed_, count_ = 0;
};

// Samples of a pixel; 0 for a colour space that says it in another way.
int64_t samples_in(QPDFObjectHandle space) {
  if (space.isArray() && space.getArrayNItems() > 1) {
    const std::string kind = space.getArrayItem(0).isName() ? space.getArrayItem(0).getName() : "";
    if (kind == "/Indexed" || kind == "/Separation" || kind == "/CalGray") return 1;
    if (kind == "/CalRGB" || kind == "/Lab") return 3;
    QPDFObjectHandle second = space.getArrayItem(1);
    if (kind == "/DeviceN" && second.isArray()) return second.getArrayNItems();
    if (kind != "/ICCBased" || !second.isStream()) return 0;
    QPDFObjectHandle count = second.getDict().getKey("/N");
    return count.isInteger() ? count.getIntValue() : 0;
  }
  const std::string name = space.isName() ? space.getName() : "";
  return name == "/DeviceGray" ? 1 : name == "/DeviceRGB" ? 3 : name == "/DeviceCMYK" ? 4 : 0;
}

// A picture that lacks less than a row is complete: some programs count so.
bool is_short(QPDFObjectHandle object) {
  QPDFObjectHandle picture = object.getDict();
  const auto number = [&](const char* key) {
    QPDFObjectHandle value = picture.getKey(key);
    return value.isInteger() ? value.getIntValue() : 0;
  };
  QPDFObjectHandle mask = picture.getKey("/ImageMask");
  const bool is_mask = mask.isBool() && mask.getBoolValue();
  constexpr int64_t max_side = int64_t{1} << 20;
  const int64_t samples = is_mask ? 1 : samples_in(picture.getKey("/ColorSpace"));
  const int64_t bits = is_mask ? 1 : number("/BitsPerComponent");
  const int64_t width = number("/Width"), height = number("/Height");
  if (samples < 1 || samples > 32 || bits < 1 || bits > 16 || width > max_side || height > max_side) return false;
  const int64_t row = (width * samples * bits + 7) / 8, needed = row * height;
  if (needed <= 0) return false;
  Counter counter(needed);
  bool decoded = false, broken = false;
  try {
    broken = !object.pipeStreamData(&counter, &decoded, 0, qpdf_dl_specialized, true);
  } catch (const Enough&) {
    return false;
  }
  return (decoded || broken) && (counter.count() == 0 || needed - counter.count() >= row);
}

bool search(const QPDFObjectHandle& content, std::set<QPDFObjGen>& done, int depth) {
  QPDFObjectHandle resources = QPDFPageObjectHelper(content).getAttribute("/Resources", false);
  QPDFObjectHandle objects = resources.isDictionary() ? resources.getKey("/XObject") : QPDFObjectHandle::newNull();
  if (!objects.isDictionary()) return false;
  for (const std::string& name : objects.getKeys()) {
    QPDFObjectHandle object = objects.getKey(name);
    if (!object.isStream() || !done.insert(object.getObjGen()).second) continue;
    if (object.isImage(false) ? is_short(object)
                              : object.isFormXObject() && depth < max_depth && search(object, done, depth + 1)) {
      return true;
    }
  }
  return false;
}

}  // namespace

struct PictureChecker::State {
  std::unique_ptr<QPDF> pdf;
  std::vector<QPDFObjectHandle> pages;
};

PictureChecker::PictureChecker(std::string_view file, const std::string& password) : state_(std::make_unique<State>()) {
  try {
    state_->pdf = open_by_qpdf(file, password);
    state_->pages = state_->pdf->getAllPages();
  } catch (const std::exception&) {
    state_->pages.clear();
  }
}
PictureChecker::~PictureChecker() = default;

bool PictureChecker::has_short_picture(int page) {
  if (page < 0 || static_cast<size_t>(page) >= state_->pages.size()) return false;
  std::set<QPDFObjGen> done;
  try {
    QPDFObjectHandle content = state_->pages[static_cast<size_t>(page)];
    if (!QPDFPageObjectHelper(content).getAttribute("/Resources", false).isDictionary()) {
      content.replaceKey("/Resources", QPDFObjectHandle::newDictionary());
    }
    // Pictures within the content become objects like others; the file is not written.
    QPDFPageObjectHelper(content).externalizeInlineImages(0, false);
    return search(content, done, 0);
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace lectern::pdf
