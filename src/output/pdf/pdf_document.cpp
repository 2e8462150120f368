#include "output/pdf/pdf_document.h"

// Without this qpdf warns of a type that it used to have.
#define POINTERHOLDER_TRANSITION 4

#include <fmt/format.h>

#include <exception>
#include <memory>
#include <new>
#include <qpdf/Pipeline.hh>
#include <qpdf/QPDF.hh>
#include <qpdf/QPDFObjectHandle.hh>
#include <qpdf/QPDFWriter.hh>
#include <string>
#include <string_view>
#include <utility>

#include "core/own_output.h"
#include "image/picture_encoder.h"
#include "layout/markup.h"
#include "lectern/error.h"
#include "output/document_names.h"
#include "output/page_note.h"
#include "output/pdf/glyphless_font.h"
#include "output/pdf/pdf_text.h"
#include "output/pdf/spool.h"

namespace lectern {
namespace {

constexpr int picture_quality = 80;
constexpr double note_width = 595, note_height = 842;  // A4, in points, for a page without a size

class ToSink final : public Pipeline {
 public:
  explicit ToSink(const PdfDocument::Sink& sink) : Pipeline("lectern", nullptr), sink_(sink) {}
  void write(const unsigned char* data, size_t size) override { sink_({reinterpret_cast<const char*>(data), size}); }
  void finish() override {}

 private:
  const PdfDocument::Sink& sink_;
};

QPDFObjectHandle number(double value) { return QPDFObjectHandle::newReal(value, 2); }
QPDFObjectHandle integer(int64_t value) { return QPDFObjectHandle::newInteger(value); }
QPDFObjectHandle name(const std::string& value) { return QPDFObjectHandle::newName(value); }
QPDFObjectHandle text(const std::string& value) { return QPDFObjectHandle::newUnicodeString(valid_utf8(value)); }

}  // namespace

struct PdfDocument::State {
  State(const DocumentInfo& info, const std::filesystem::path& folder) : spool(std::make_shared<Spool>(folder)) {
    pdf.emptyPDF();
    hidden_font = pdf.makeIndirectObject(QPDFObjectHandle::newDictionary());
    QPDFObjectHandle about = QPDFObjectHandle::newDictionary();
    about.replaceKey("/Title", text(document_title(info.source)));
    about.replaceKey("/Producer", text("Lectern " + info.version));
    about.replaceKey("/LecternPrompt", text(info.prompt));
    about.replaceKey("/LecternModel", text(model_label(info.model)));
    about.replaceKey("/LecternWeights", text(std::string(name_of(info.weights))));
    about.replaceKey("/LecternDevice", text(info.device));
    pdf.getTrailer().replaceKey("/Info", pdf.makeIndirectObject(about));
  }

  void add(const DocumentPage& page, const Picture* picture) {
    const bool sized = page.width > 0 && page.height > 0;
    const double width = sized ? page.width * points_per_pixel(page) : note_width;
    const double height = sized ? page.height * points_per_pixel(page) : note_height;
    const std::string note = page_note(page);
    QPDFObjectHandle fonts = QPDFObjectHandle::newDictionary();
    QPDFObjectHandle resources = QPDFObjectHandle::newDictionary();
    std::string content;
    if (sized) {
      content = page_content(page, picture, codes);
      fonts.replaceKey("/Hidden", hidden_font);
    }
    if (picture != nullptr) {
      QPDFObjectHandle pictures = QPDFObjectHandle::newDictionary();
      pictures.replaceKey("/Page", add_picture(*picture));
      resources.replaceKey("/XObject", pictures);
    } else if (!note.empty()) {
      content += note_content(note, height);
      fonts.replaceKey("/Shown", font_for_notes());
    }
    resources.replaceKey("/Font", fonts);

    QPDFObjectHandle dictionary = QPDFObjectHandle::newDictionary();
    dictionary.replaceKey("/Type", name("/Page"));
    dictionary.replaceKey("/MediaBox",
                          QPDFObjectHandle::newArray({integer(0), integer(0), number(width), number(height)}));
    dictionary.replaceKey("/Resources", resources);
    dictionary.replaceKey("/Contents", add_stream(content));
    dictionary.replaceKey("/Lectern", about_page(page));
    if (!note.empty()) dictionary.replaceKey("/Annots", QPDFObjectHandle::newArray({annotation(note, height)}));
    pdf.addPage(pdf.makeIndirectObject(dictionary), false);
  }

  void write(const Sink& sink) {
    describe_hidden_font();
    ToSink output(sink);
    QPDFWriter writer(pdf);
    writer.setOutputPipeline(&output);
    writer.setMinimumPDFVersion("1.5");
    writer.setDeterministicID(true);
    writer.setExtraHeaderText(std::string(pdf_mark));
    writer.write();
  }

  QPDFObjectHandle add_stream(std::string_view bytes, const QPDFObjectHandle& filter = QPDFObjectHandle::newNull()) {
    QPDFObjectHandle stream = pdf.newStream();
    stream.replaceStreamData(
        [spool = spool, place = spool->add(bytes)](Pipeline* pipeline) {
          spool->read(place, [&](std::string_view piece) {
            pipeline->write(reinterpret_cast<const unsigned char*>(piece.data()), piece.size());
          });
          pipeline->finish();
        },
        filter, QPDFObjectHandle::newNull());
    return stream;
  }

  // Black and white stays one bit a pixel, which the writer of the file compresses; other pictures are JPEGs.
  QPDFObjectHandle add_picture(const Picture& picture) {
    const std::string bits = black_and_white_bits(picture);
    QPDFObjectHandle stream =
        bits.empty() ? add_stream(encode_jpeg(picture, picture_quality), name("/DCTDecode")) : add_stream(bits);
    QPDFObjectHandle dictionary = stream.getDict();
    dictionary.replaceKey("/Type", name("/XObject"));
    dictionary.replaceKey("/Subtype", name("/Image"));
    dictionary.replaceKey("/Width", integer(picture.width));
    dictionary.replaceKey("/Height", integer(picture.height));
    dictionary.replaceKey("/BitsPerComponent", integer(bits.empty() ? 8 : 1));
    dictionary.replaceKey("/ColorSpace", name(!bits.empty() || is_grey(picture) ? "/DeviceGray" : "/DeviceRGB"));
    return stream;
  }

  static QPDFObjectHandle about_page(const DocumentPage& page) {
    QPDFObjectHandle about = QPDFObjectHandle::newDictionary();
    about.replaceKey("/Mode", text(std::string(name_of(page.mode))));
    about.replaceKey("/Finish", text(std::string(name_of(page.finish))));
    about.replaceKey("/Turn", integer(page.turn));
    about.replaceKey("/VisionTokens", integer(page.stats.vision_tokens));
    about.replaceKey("/TextTokens", integer(page.stats.tokens));
    return about;
  }

  // A note that a viewer shows in the page's top left corner.
  QPDFObjectHandle annotation(const std::string& note, double height) {
    QPDFObjectHandle dictionary = QPDFObjectHandle::newDictionary();
    dictionary.replaceKey("/Type", name("/Annot"));
    dictionary.replaceKey("/Subtype", name("/Text"));
    dictionary.replaceKey("/Name", name("/Note"));
    dictionary.replaceKey("/Contents", text(note));
    dictionary.replaceKey(
        "/Rect", QPDFObjectHandle::newArray({integer(4), number(height - 24), integer(24), number(height - 4)}));
    return pdf.makeIndirectObject(dictionary);
  }

  QPDFObjectHandle font_for_notes() {
    if (!shown_font.isInitialized()) {
      shown_font = pdf.makeIndirectObject(
          QPDFObjectHandle::parse("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"));
    }
    return shown_font;
  }

  // Known when every character has its code.
  void describe_hidden_font() {
    QPDFObjectHandle file = add_stream(glyphless_font());
    QPDFObjectHandle descriptor = pdf.makeIndirectObject(QPDFObjectHandle::parse(fmt::format(
        "<< /Type /FontDescriptor /FontName /LecternHidden /Flags 5 /FontBBox [0 {0} {1} {2}] /ItalicAngle 0 "
        "/Ascent {2} /Descent {0} /CapHeight {2} /StemV 80 >>",
        glyphless_descent, glyphless_width, glyphless_ascent)));
    descriptor.replaceKey("/FontFile2", file);
    QPDFObjectHandle glyphs = pdf.makeIndirectObject(QPDFObjectHandle::parse(
        fmt::format("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /LecternHidden /DW {} "
                    "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>",
                    glyphless_width)));
    glyphs.replaceKey("/FontDescriptor", descriptor);
    glyphs.replaceKey("/CIDToGIDMap", add_stream(std::string(2 * codes.count(), '\0')));  // the one glyph for all
    hidden_font.replaceKey("/Type", name("/Font"));
    hidden_font.replaceKey("/Subtype", name("/Type0"));
    hidden_font.replaceKey("/BaseFont", name("/LecternHidden"));
    hidden_font.replaceKey("/Encoding", name("/Identity-H"));
    hidden_font.replaceKey("/DescendantFonts", QPDFObjectHandle::newArray({glyphs}));
    hidden_font.replaceKey("/ToUnicode", add_stream(codes.to_unicode()));
  }

  std::shared_ptr<Spool> spool;
  QPDF pdf;
  QPDFObjectHandle hidden_font, shown_font;
  CharacterCodes codes;
};

PdfDocument::PdfDocument(const DocumentInfo& info, const std::filesystem::path& folder)
    : state_(std::make_unique<State>(info, folder)) {}
PdfDocument::~PdfDocument() = default;

void PdfDocument::add(const DocumentPage& page, const Picture* picture) { state_->add(page, picture); }

void PdfDocument::write(const Sink& sink) try { state_->write(sink); } catch (const Error&) {
  throw;
} catch (const std::bad_alloc&) {
  throw;
} catch (const std::exception& error) {
  throw Error(std::string("the PDF cannot be written: ") + error.what(), ErrorCode::io);
}

}  // namespace lectern
