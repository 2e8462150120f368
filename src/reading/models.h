// A model on one or several devices: settings parsed from words, loading, and what documents say of it.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/prompts.h"
#include "lectern/enums.h"
#include "lectern/model.h"
#include "lectern/page.h"

namespace lectern {

// Throw Error, listing the names, for an unknown one.
Mode parse_mode(std::string_view name);
Weights parse_weights(std::string_view name);

// Called for a device that failed while its model was loaded, or has too little memory for it.
using DeviceLeftOut = std::function<void(const std::string& device, const std::string& why)>;

// One model for each device of the list in `options.device` ("ascend:0-7,cpu"), or for each group of as many as
// `options.tensor_parallel` says; the model's files are loaded once. Where `options.worker` names the program, each of
// several devices or groups has a process, and so has each socket of a CPU; docs/devices.md tells of the options of a
// device's name that say otherwise.
// A device that fails is left out as long as another works. Throws Error for other failures, and when no device is
// left.
std::vector<Model> load_models(const std::filesystem::path& folder, const ModelOptions& options,
                               const DeviceLeftOut& left_out);

// False if the prompt asks for places of blocks by a special token that the model does not have.
bool knows_grounding(const Model& model, const Prompt& prompt);

// As `options` say, in a process of `options.worker`; of one device. Returns when the model is loaded.
Model load_in_worker(std::shared_ptr<const ModelFiles> files, const ModelOptions& options);

// For messages: the device's name, and the socket where one device has a process for each.
std::string label_of(const Model& model);

// Vision tokens of each of several pages in one sequence.
int64_t tokens_of_page(const Model& model);

// Processes of models end, all at a time, when the models are gone.
void begin_to_end(const std::vector<Model>& models);

// Version, model folder, weights, devices and replaced operators; the rest is the document's.
DocumentInfo describe_models(const std::vector<Model>& models);

}  // namespace lectern
