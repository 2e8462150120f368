// Products of rows with weights: how they are shared among the threads.
#include "device/cpu/matmul/panel_products.h"

#include <algorithm>
#include <vector>

#include "core/threads.h"
#include "device/cpu/kernels.h"
#include "device/cpu/matmul/int8_rows.h"
#include "device/cpu/matmul/panel_range.h"
#include "device/cpu/matmul/panels.h"

namespace lectern::cpu {
namespace {

// Of a panel, of which a task reads at least one.
int64_t bytes_of_panel(const PanelProduct& product) {
  const Weight& weight = *product.weight;
  const int64_t bytes = weight.format == WeightFormat::f32
                            ? panel_outputs * weight.in() * static_cast<int64_t>(size_of(weight.data.type))
                            : panel_bytes(weight.format, weight.in());
  return bytes * (product.gate != nullptr ? 2 : 1);
}

// The written rows of every product as bytes, where its kernel takes them so.
class Int8Rows {
 public:
  explicit Int8Rows(std::span<const PanelProduct> products) : starts_(products.size(), -1) {
    struct Row {
      const PanelProduct* product;
      int64_t row, at;
    };
    std::vector<Row> rows;
    int64_t total = 0;
    for (size_t i = 0; i < products.size(); ++i) {
      const PanelProduct& product = products[i];
      if (!kernel_for(RowKind::written, product.weight->format).int8_rows) continue;
      starts_[i] = total;
      for (int64_t row = 0; row < product.written; ++row, total += int8_blocks(product.weight->in()))
        rows.push_back({&product, product.first + row, total});
    }
    blocks_.resize(static_cast<size_t>(total));
    parallel_shares(static_cast<int64_t>(rows.size()), 8, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        const Row& row = rows[static_cast<size_t>(i)];
        round_row(*row.product->rows, row.row, row.product->weight->format, blocks_.data() + row.at);
      }
    });
  }
  // Of a product's first row.
  const Int8Block* of(size_t product) const {
    return starts_[product] < 0 ? nullptr : blocks_.data() + starts_[product];
  }

 private:
  std::vector<Int8Block> blocks_;
  std::vector<int64_t> starts_;
};

void multiply(const PanelRange& range) {
  const PanelProduct& product = *range.product;
  const auto with = [&](RowKind kind, const PanelRange& part) {
    kernel_for(kind, product.weight->format).multiply(part);
  };
  const int64_t written = std::clamp(product.written, range.from, range.to);
  if (written == range.to) return with(RowKind::written, range);
  if (written == range.from) return with(RowKind::prompt, range);
  // Both kinds take a panel while it is in the cache.
  PanelRange part = range;
  for (part.first = range.first; part.first < range.last; part.first = part.last) {
    part.last = std::min(part.first + 2, range.last);
    part.from = range.from;
    part.to = written;
    with(RowKind::written, part);
    part.from = written;
    part.to = range.to;
    with(RowKind::prompt, part);
  }
}

// Each task takes a part of what is left, so that the last are small and the threads end together.
std::vector<int64_t> ends_of_tasks(int64_t total) {
  constexpr int64_t least = 32 << 10;  // bytes
  std::vector<int64_t> ends;
  for (int64_t at = 0; at < total; ends.push_back(at))
    at = std::min(total, at + std::max(least, (total - at) / (2 * threads())));
  return ends;
}

// Few rows: what is read takes the time. Tasks are contiguous stretches of all panels, so that the processor's
// prefetchers follow them.
void share_panels(std::span<const PanelProduct> products, const Int8Rows& bytes) {
  int64_t total = 0;
  for (const PanelProduct& product : products) total += bytes_of_panel(product) * panels_of(product.weight->out());
  const std::vector<int64_t> ends = ends_of_tasks(total);
  parallel_for(static_cast<int64_t>(ends.size()), [&](int64_t task) {
    const int64_t first = task == 0 ? 0 : ends[static_cast<size_t>(task - 1)];
    const int64_t last = ends[static_cast<size_t>(task)];
    int64_t start = 0;
    for (size_t i = 0; i < products.size(); ++i) {
      const PanelProduct& product = products[i];
      const int64_t cost = bytes_of_panel(product);
      const int64_t panels = panels_of(product.weight->out());
      // A panel belongs to the share in which its cost begins.
      const auto panel_at = [&](int64_t at) { return std::clamp<int64_t>((at - start + cost - 1) / cost, 0, panels); };
      const PanelRange range{
          &product,   first <= start ? 0 : panel_at(first), last <= start ? 0 : panel_at(last), 0, product.count,
          bytes.of(i)};
      if (range.first < range.last && product.count > 0) multiply(range);
      start += cost * panels;
    }
  });
}

// Many rows: each task takes rows that fit the second cache and as many panels as make it worth a task.
void share_tasks(std::span<const PanelProduct> products, const Int8Rows& bytes) {
  constexpr int64_t cache = 512 << 10;  // bytes of rows
  constexpr int64_t widened = 4096;     // rows for which panels are widened anew
  constexpr int64_t work = 16 << 20;    // products of a task
  std::vector<PanelRange> tasks;
  for (size_t i = 0; i < products.size(); ++i) {
    const PanelProduct& product = products[i];
    const int64_t in = padded_inputs(product.weight->in());
    const int64_t panels = panels_of(product.weight->out());
    const int64_t fitting = std::max<int64_t>(24, cache / (2 * in) / 12 * 12);
    const bool as_it_is = product.rows->view().type == DataType::bf16 && !is_quantized(product.weight->format);
    const int64_t block = std::min(product.count, as_it_is ? fitting : widened);
    if (block == 0) continue;
    const int64_t wanted = std::max<int64_t>(2, work / (block * in * panel_outputs) / 2 * 2);
    for (int64_t row = 0; row < product.count; row += block) {
      for (int64_t panel = 0; panel < panels; panel += wanted) {
        tasks.push_back({&product, panel, std::min(panels, panel + wanted), row, std::min(product.count, row + block),
                         bytes.of(i)});
      }
    }
  }
  parallel_for(static_cast<int64_t>(tasks.size()), [&](int64_t i) { multiply(tasks[static_cast<size_t>(i)]); });
}

int64_t row_stride(int64_t columns, WeightFormat format) {
  return format == WeightFormat::f32 ? columns : padded_inputs(columns);
}

}  // namespace

ProductRows::ProductRows(Device& device, int64_t rows, int64_t columns, WeightFormat format)
    : storage_(device, row_type(format), {rows, row_stride(columns, format)}), view_(storage_) {}

ProductRows::ProductRows(Device& device, const TensorView& in, WeightFormat format) {
  const int64_t columns = in.shape[-1];
  if (in.type == row_type(format) && columns == row_stride(columns, format)) {
    view_ = in.reshaped({in.shape.rows(), columns});
    return;
  }
  std::vector<int64_t> all(static_cast<size_t>(in.shape.rows()));
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
  *this = ProductRows(device, in.reshaped({in.shape.rows(), columns}), format, all);
}

ProductRows::ProductRows(Device& device, const TensorView& in, WeightFormat format, std::span<const int64_t> chosen)
    : ProductRows(device, static_cast<int64_t>(chosen.size()), in.shape[1], format) {
  const int64_t columns = in.shape[1];
  const int64_t padding = stride() - columns;
  parallel_shares(count(), std::max<int64_t>(1, 16384 / columns), [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      if (view_.type == DataType::bf16) {
        uint16_t* const row = writable().as<uint16_t>() + i * stride();
        narrow_row(in, chosen[static_cast<size_t>(i)], row);
        std::fill_n(row + columns, padding, uint16_t{0});
      } else {
        float* const row = writable().as<float>() + i * stride();
        widen_row(in, chosen[static_cast<size_t>(i)], row);
        std::fill_n(row + columns, padding, 0.0f);
      }
    }
  });
}

void panel_products(std::span<const PanelProduct> products) {
  constexpr int64_t few_rows = 16;
  const Int8Rows bytes(products);
  const bool few = std::ranges::all_of(products, [&](const PanelProduct& product) {
    return product.count <= few_rows || product.written == product.count;
  });
  if (few) {
    share_panels(products, bytes);
  } else {
    share_tasks(products, bytes);
  }
}

}  // namespace lectern::cpu
