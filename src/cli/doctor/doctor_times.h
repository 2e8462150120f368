// Measurements of `lectern doctor` on every device: time and memory of its steps, three pages read as usual, and the
// speed of writing alone and together, each beside the prediction for a card.
#pragma once

#include <string>

#include "cli/doctor/doctor_report.h"
#include "core/picture.h"
#include "device/device_info.h"
#include "lectern/model.h"

namespace lectern::cli {

// What went before: seconds, and bytes that were free on the device.
struct DeviceStart {
  double open_seconds = 0, load_seconds = 0;
  DeviceMemory opened, loaded;
};

// `where` follows headings and names of checks: nothing, or " on ascend:1". Throws Error and DeviceFailure when the
// device fails.
void report_times(DoctorReport& report, const DeviceStart& start, const Model& model, const Model& reference,
                  const Picture& picture, const std::string& where);

}  // namespace lectern::cli
