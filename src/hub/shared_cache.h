// The cache that Hugging Face's own tools keep: CACHE/models--OWNER--NAME/snapshots/COMMIT/ holds links to blobs that
// are named by their digest, refs/REVISION the commit that a branch or tag stood for. Lectern only reads it.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "hub/listing.h"
#include "hub/model_store.h"

namespace lectern::hub {

// $HF_HUB_CACHE, $HF_HOME/hub, $XDG_CACHE_HOME/huggingface/hub, or ~/.cache/huggingface/hub; empty where no variable
// tells where.
std::filesystem::path shared_cache();

// Those that have config.json, tokenizer.json and all weights that they name, whatever kind of model they are. By name;
// of one name the one that came last is first.
std::vector<StoredModel> cached_models(const std::filesystem::path& cache);

// The one that the name's revision leads to: a commit or its first digits, a branch, a tag, or, where it is empty,
// main; without such a reference the one that came last.
std::optional<StoredModel> cached_model(const std::filesystem::path& cache, const ModelName& name);

// Whether a snapshot holds every listed file: in its size, and as a link to a blob of its digest.
bool holds(const std::filesystem::path& snapshot, const Listing& listing);

}  // namespace lectern::hub
