// Reads pages with a model on a device, several together. A page on which the model repeats itself to the end is read
// once more in another way.
#pragma once

#include <memory>
#include <vector>

#include "lectern/model.h"
#include "reading/page_reader.h"

namespace lectern {

class ModelPageReader final : public PageReader {
 public:
  // `options` are those of pages without their own. Throws as check_read_options does.
  ModelPageReader(const Model& model, const ReadOptions& options, int batch);
  ~ModelPageReader() override;

  int room() const override;
  // Throws as check_read_options does for options of the page's own.
  void add(PageJob job) override;
  void cancel(size_t ticket) override;
  void step(std::vector<PageEvent>& events) override;
  void clear() override;
  ReaderLoad load() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lectern
