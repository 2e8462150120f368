// What `lectern doctor` measures on every device: how long its steps take and how much memory, three pages read as
// anybody reads them, and how fast texts are written alone and together, each beside what is predicted for a card.
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
