#include "server/documents/job_source.h"

#include <utility>

#include "image/orientation.h"

namespace lectern::server {

DocumentFields fields_of(const DocumentJob& job) { return parse_document_fields(fields_from_json(job.options)); }

std::unique_ptr<PageSource> open_job(const DocumentJob& job, const DataFolder& folder, int64_t max_pixels,
                                     FindText find_text, const std::stop_token& stop) {
  const DocumentFields fields = fields_of(job);
  SourceOptions options;
  options.dpi = fields.dpi;
  options.password = fields.password;
  options.limits.max_pixels = max_pixels;
  options.find_text = find_text;
  options.stop = stop;
  return open_source(InputFile::named(folder.source(job.id), job.name, stop), options);
}

SourcePage page_as_read(PageSource& source, int number, int turn) {
  SourcePage page = source.page(number - 1);
  const int further = ((turn - page.turn) % 360 + 360) % 360;  // by which reading turned it
  page.picture = turned(std::move(page.picture), further);
  page.turn = turn;
  return page;
}

}  // namespace lectern::server
