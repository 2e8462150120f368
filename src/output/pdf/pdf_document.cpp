#include "output/pdf/pdf_document.h"

// Without this qpdf warns of a type that it used to have.
#define POINTERHOLDER_TRANSITION 4

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <qpdf/Pipeline.hh>
#include <qpdf/QPDF.hh>
#include <qpdf/QPDFObjectHandle.hh>
#include <qpdf/QPDFWriter.hh>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/files/own_output.h"
#include "image/embedded_picture.h"
#include "image/picture_encoder.h"
#include "layout/markup.h"
#include "lectern/error.h"
#include "output/document_names.h"
#include "output/page_note.h"
#include "output/pdf/glyphless_font.h"
#include "output/pdf/pdf_text.h"
#include "output/pdf/spool.h"
#include "pdf_helper/deflated.h"

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

  void add(const Page& page, const Picture* picture, const PageOrigin& origin) {
    const Size size = size_of(page);
    const std::string note = page_note(page);
    std::string content;
    QPDFObjectHandle resources = QPDFObjectHandle::newDictionary();
    if (size.known) content = draw(page, picture, picture != nullptr, origin, resources);
    if (picture == nullptr && !note.empty()) {
      content += note_content(note, size.height);
      QPDFObjectHandle fonts = resources.getKey("/Font");
      if (!fonts.isDictionary()) fonts = QPDFObjectHandle::newDictionary();
      fonts.replaceKey("/Shown", font_for_notes());
      resources.replaceKey("/Font", fonts);
    }
    add_page(page, resources, add_stream(content));
  }

  int add_layer(const Page& page, const Picture* picture, bool shows_picture) {
    const Size size = size_of(page);
    QPDFObjectHandle objects = QPDFObjectHandle::newDictionary();
    if (size.known && (shows_picture || !page.blocks.empty())) {
      QPDFObjectHandle resources = QPDFObjectHandle::newDictionary();
      QPDFObjectHandle layer = add_stream(draw(page, picture, shows_picture && picture != nullptr, {}, resources));
      QPDFObjectHandle dictionary = layer.getDict();
      dictionary.replaceKey("/Type", name("/XObject"));
      dictionary.replaceKey("/Subtype", name("/Form"));
      dictionary.replaceKey("/BBox", box_of(size));
      dictionary.replaceKey("/Resources", resources);
      dictionary.replaceKey("/Lectern", about_page(page));
      objects.replaceKey("/Layer", layer);
    }
    QPDFObjectHandle resources = QPDFObjectHandle::newDictionary();
    resources.replaceKey("/XObject", objects);
    add_page(page, resources, add_stream(""));
    return pages - 1;
  }

  struct Size {
    bool known = false;
    double width = note_width, height = note_height;  // points
  };
  static Size size_of(const Page& page) {
    if (page.width <= 0 || page.height <= 0) return {};
    return {true, page.width * points_per_pixel(page), page.height * points_per_pixel(page)};
  }
  static QPDFObjectHandle box_of(const Size& size) {
    return QPDFObjectHandle::newArray({integer(0), integer(0), number(size.width), number(size.height)});
  }

  // -> the content; what it needs is in the resources.
  std::string draw(const Page& page, const Picture* picture, bool shows_picture, const PageOrigin& origin,
                   QPDFObjectHandle resources) {
    QPDFObjectHandle fonts = QPDFObjectHandle::newDictionary();
    fonts.replaceKey("/Hidden", hidden_font);
    resources.replaceKey("/Font", fonts);
    std::optional<PicturePlace> place;
    if (shows_picture) {
      place = PicturePlace{1, 0, 0, 1, 0, 0};
      QPDFObjectHandle stored = QPDFObjectHandle::newNull();
      if (const std::optional<EmbeddedPicture> original = original_picture(page, *picture, origin)) {
        stored = add_original(*original, *origin.file);
        place = shown_picture(original->orientation, turn_beside(page, *original));
      }
      QPDFObjectHandle pictures = QPDFObjectHandle::newDictionary();
      pictures.replaceKey("/Page", stored.isNull() ? add_picture(*picture) : stored);
      resources.replaceKey("/XObject", pictures);
    }
    return page_content(page, picture, place, codes);
  }

  void add_page(const Page& page, const QPDFObjectHandle& resources, const QPDFObjectHandle& content) {
    const Size size = size_of(page);
    const std::string note = page_note(page);
    QPDFObjectHandle dictionary = QPDFObjectHandle::newDictionary();
    dictionary.replaceKey("/Type", name("/Page"));
    dictionary.replaceKey("/MediaBox", box_of(size));
    dictionary.replaceKey("/Resources", resources);
    dictionary.replaceKey("/Contents", content);
    dictionary.replaceKey("/Lectern", about_page(page));
    if (!note.empty()) dictionary.replaceKey("/Annots", QPDFObjectHandle::newArray({annotation(note, size.height)}));
    pdf.addPage(pdf.makeIndirectObject(dictionary), false);
    ++pages;
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
    return add_stream({spool->add(bytes)}, filter, QPDFObjectHandle::newNull());
  }

  QPDFObjectHandle add_stream(std::vector<Spool::Extent> places, const QPDFObjectHandle& filter,
                              const QPDFObjectHandle& parameters) {
    QPDFObjectHandle stream = pdf.newStream();
    stream.replaceStreamData(
        [spool = spool, places = std::move(places)](Pipeline* pipeline) {
          for (const Spool::Extent& place : places) {
            spool->read(place, [&](std::string_view piece) {
              pipeline->write(reinterpret_cast<const unsigned char*>(piece.data()), piece.size());
            });
          }
          pipeline->finish();
        },
        filter, parameters);
    return stream;
  }

  // Black and white stays one bit a pixel, as CCITT group 4 or, where that is smaller, as of patterns, as Flate; other
  // pictures are JPEGs.
  QPDFObjectHandle add_picture(const Picture& picture) {
    const bool two = is_black_and_white(picture);
    QPDFObjectHandle stream =
        two ? add_bits(picture) : add_stream(encode_jpeg(picture, picture_quality), name("/DCTDecode"));
    QPDFObjectHandle dictionary = stream.getDict();
    describe_picture(dictionary, picture.width, picture.height, two ? 1 : 8,
                     name(two || is_grey(picture) ? "/DeviceGray" : "/DeviceRGB"));
    return stream;
  }

  QPDFObjectHandle add_bits(const Picture& picture) {
    const std::string flate = pdf::deflated(black_and_white_bits(picture)), g4 = encode_g4(picture);
    if (g4.empty() || flate.size() < g4.size()) return add_stream(flate, name("/FlateDecode"));
    QPDFObjectHandle parameters = QPDFObjectHandle::newDictionary();
    parameters.replaceKey("/K", integer(-1));
    parameters.replaceKey("/Columns", integer(picture.width));
    parameters.replaceKey("/Rows", integer(picture.height));
    return add_stream({spool->add(g4)}, name("/CCITTFaxDecode"), parameters);
  }

  // Degrees clockwise that a picture was turned besides its orientation.
  static int turn_beside(const Page& page, const EmbeddedPicture& picture) {
    const int of_exif = picture.orientation == 3 || picture.orientation == 4   ? 180
                        : picture.orientation == 6 || picture.orientation == 7 ? 90
                        : picture.orientation >= 5                             ? 270
                                                                               : 0;
    return (page.turn - of_exif + 360) % 360;
  }

  // The picture as its file has it, where that is what is shown: whole, and of the same size or shape.
  static std::optional<EmbeddedPicture> original_picture(const Page& page, const Picture& picture,
                                                         const PageOrigin& origin) {
    if (!origin.file || origin.file->is_pdf || origin.page != 0) return std::nullopt;
    const auto changed = [](const Warning& warning) {
      return warning.code == WarningCode::damaged_input || warning.code == WarningCode::on_black;
    };
    // Whose pixels are not square is stretched by the page.
    const auto stretched = [](const Warning& warning) { return warning.code == WarningCode::stretched; };
    if (std::any_of(page.warnings.begin(), page.warnings.end(), changed)) return std::nullopt;
    std::optional<EmbeddedPicture> original = embedded_picture(origin.file->file.get());
    if (!original || page.turn % 90 != 0) return std::nullopt;
    const PicturePlace place = shown_picture(original->orientation, turn_beside(page, *original));
    const bool lies = place[0] == 0;
    const int width = lies ? original->height : original->width, height = lies ? original->width : original->height;
    const bool as_shown = width == picture.width && height == picture.height;
    return as_shown || std::any_of(page.warnings.begin(), page.warnings.end(), stretched) ? original : std::nullopt;
  }

  QPDFObjectHandle add_original(const EmbeddedPicture& picture, const OriginalFile& file) {
    const bool png = picture.kind == EmbeddedPicture::Kind::png;
    std::vector<Spool::Extent> places;
    for (const EmbeddedPicture::Piece& piece : picture.pieces) {
      places.push_back(spool->add_file(file.file.get(), file.name, piece.offset, piece.bytes));
    }
    QPDFObjectHandle parameters = QPDFObjectHandle::newNull();
    if (png) {
      parameters = QPDFObjectHandle::newDictionary();
      parameters.replaceKey("/Predictor", integer(15));
      parameters.replaceKey("/Colors", integer(picture.samples));
      parameters.replaceKey("/BitsPerComponent", integer(picture.bits));
      parameters.replaceKey("/Columns", integer(picture.width));
    }
    QPDFObjectHandle stream = add_stream(std::move(places), name(png ? "/FlateDecode" : "/DCTDecode"), parameters);
    QPDFObjectHandle dictionary = stream.getDict();
    QPDFObjectHandle space = name(picture.samples == 1   ? "/DeviceGray"
                                  : picture.samples == 3 ? "/DeviceRGB"
                                                         : "/DeviceCMYK");
    if (!picture.palette.empty()) {
      const auto last = static_cast<int64_t>(picture.palette.size() / 3) - 1;
      space = QPDFObjectHandle::newArray(
          {name("/Indexed"), name("/DeviceRGB"), integer(last), QPDFObjectHandle::newString(picture.palette)});
    }
    describe_picture(dictionary, picture.width, picture.height, picture.bits, space);
    if (picture.inverted) dictionary.replaceKey("/Decode", QPDFObjectHandle::parse("[1 0 1 0 1 0 1 0]"));
    return stream;
  }

  static void describe_picture(QPDFObjectHandle& dictionary, int width, int height, int bits,
                               const QPDFObjectHandle& space) {
    dictionary.replaceKey("/Type", name("/XObject"));
    dictionary.replaceKey("/Subtype", name("/Image"));
    dictionary.replaceKey("/Width", integer(width));
    dictionary.replaceKey("/Height", integer(height));
    dictionary.replaceKey("/BitsPerComponent", integer(bits));
    dictionary.replaceKey("/ColorSpace", space);
  }

  static QPDFObjectHandle about_page(const Page& page) {
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
  int pages = 0;
};

PdfDocument::PdfDocument(const DocumentInfo& info, const std::filesystem::path& folder)
    : state_(std::make_unique<State>(info, folder)) {}
PdfDocument::~PdfDocument() = default;

void PdfDocument::add(const Page& page, const Picture* picture, const PageOrigin& origin) {
  state_->add(page, picture, origin);
}

int PdfDocument::add_layer(const Page& page, const Picture* picture, bool shows_picture) {
  return state_->add_layer(page, picture, shows_picture);
}

void PdfDocument::write(const Sink& sink) try { state_->write(sink); } catch (const Error&) {
  throw;
} catch (const std::bad_alloc&) {
  throw;
} catch (const std::exception& error) {
  throw Error(std::string("the PDF cannot be written: ") + error.what(), ErrorCode::io);
}

}  // namespace lectern
