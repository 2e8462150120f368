// Reads pages line by line: the lines of a page are cut into rows, stacked in views, and read by a reader that takes
// each view for a page. Views of several pages are read together. A page without lines is read whole.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/model_description.h"
#include "lines/pieces.h"
#include "reading/page_reader.h"

namespace lectern {

// Whether the options leave pages to be read line by line: the mode is lines or auto, and the prompt asks for the text.
bool asks_for_lines(const ReadOptions& options, const ModelDescription& model);

class LinesPageReader final : public PageReader {
 public:
  // `views` reads the views, and whole the pages that have no lines or ask for something else. `options` are those of
  // pages without their own. `pages` are worked on together.
  LinesPageReader(std::unique_ptr<PageReader> views, const RowFormat& format, const ModelDescription& model,
                  const ReadOptions& options, int pages);
  ~LinesPageReader() override;

  int room() const override;
  void add(PageJob job) override;
  void cancel(size_t ticket) override;
  void step(std::vector<PageEvent>& events) override;
  void clear() override;
  ReaderLoad load() const override { return reader_->load(); }

 private:
  struct Reading;
  struct View {
    Reading* reading = nullptr;
    std::vector<size_t> pieces;  // in reading order; none: the whole page
    PageJob job;
  };

  void queue_views(Reading& reading, std::span<const size_t> pieces, size_t rows);
  void start_views(std::vector<PageEvent>& events);
  void take(PageEvent event, std::vector<PageEvent>& events);
  void take_view(const View& view, const Page& page, std::vector<PageEvent>& events);
  void show(Reading& reading, std::vector<PageEvent>& events);
  void tell(Reading& reading, std::vector<PageEvent>& events, bool all);
  void end_views(Reading& reading);
  void deliver(Reading& reading, std::vector<PageEvent>& events);
  void drop(Reading& reading);

  std::unique_ptr<PageReader> reader_;
  RowFormat format_;
  ModelDescription model_;
  std::shared_ptr<const ReadOptions> options_;
  int pages_;
  size_t last_ticket_ = 0;
  std::vector<std::unique_ptr<Reading>> readings_;
  std::deque<View> waiting_;
  std::map<size_t, View> in_flight_;  // by the ticket that the inner reader knows
};

}  // namespace lectern
