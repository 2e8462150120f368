#include "job/document_plan.h"

#include <algorithm>

#include "checkpoint/config.h"
#include "input/page_source.h"
#include "job/journal/journal.h"
#include "lectern/error.h"

namespace lectern {
namespace {

std::vector<Format> formats_of(const DocumentOptions& options, const ModelDescription& model) {
  if (options.out.empty()) return {};
  const bool grounded =
      !options.read.prompt.empty() && parse_prompt(options.read.prompt, model, options.read.force_mode).grounded;
  return formats_for(options.out, options.formats, grounded ? Format::markdown : Format::text);
}

Prompt prompt_of(const DocumentOptions& options, const ModelDescription& model, const std::vector<Format>& formats) {
  if (!options.read.prompt.empty()) return parse_prompt(options.read.prompt, model, options.read.force_mode);
  const bool layout = std::ranges::any_of(formats, [](Format format) { return format_info(format).needs_layout; });
  return parse_prompt(layout ? "markdown" : "", model);
}

Outputs pass(const DocumentOptions& options, const std::filesystem::path& model_folder, const Inputs& inputs,
             const std::vector<Format>& formats, FileGate& gate) {
  for (const Input& input : inputs.files) gate.add_input(input.file);
  gate.add_input_folder(model_folder);
  if (!options.report.empty()) gate.add_output(options.report, "the report", FileKind::json);
  return {inputs.files.empty() ? "" : options.out, formats, options.output, inputs.files, inputs.several, gate};
}

}  // namespace

DocumentPlan::DocumentPlan(const DocumentOptions& options, const std::filesystem::path& model_folder)
    : range(parse_page_range(options.pages)),
      inputs(expand_inputs(options.inputs)),
      model(describe_folder(model_folder)),
      formats(formats_of(options, model)),
      prompt(prompt_of(options, model, formats)),
      outputs(pass(options, model_folder, inputs, formats, gate)) {
  check_dpi(options.dpi);
  if (const auto& journal = outputs.journal_path(); journal && options.resume != DocumentOptions::Resume::never) {
    Journal::check(*journal);
  }
}

void check_documents(const DocumentOptions& options, const std::filesystem::path& model_folder) {
  const DocumentPlan plan(options, model_folder);
}

}  // namespace lectern
