// JSON after docs/schema/document.schema.json, a page a line.
#include <nlohmann/json.hpp>
#include <string>

#include "output/json/page_json.h"
#include "output/output_file.h"
#include "output/writers.h"

namespace lectern {
namespace {

using nlohmann::json;

constexpr std::string_view schema = "lectern-document/1";

std::string line(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

class JsonWriter final : public DocumentWriter {
 public:
  JsonWriter(const Destination& to, const DocumentInfo& info) : file_(to) {
    file_.write("{\"schema\": " + line(schema));
    const json members = info_to_json(info);
    for (const auto& [key, value] : members.items()) file_.write(",\n" + line(key) + ": " + line(value));
    file_.write(",\n\"pages\": [");
  }

  void page(const Page& page, const Picture*) override {
    file_.write((any_ ? ",\n" : "\n") + line(page_to_json(page)));
    any_ = true;
  }

  void finish() override {
    file_.write(any_ ? "\n]}\n" : "]}\n");
    file_.finish();
  }

 private:
  OutputFile file_;
  bool any_ = false;
};

}  // namespace

std::unique_ptr<DocumentWriter> make_json_writer(const Destination& to, const DocumentInfo& info) {
  return std::make_unique<JsonWriter>(to, info);
}

}  // namespace lectern
