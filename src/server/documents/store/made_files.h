// What was made of documents, beside their sources, and can be made again: it gives way before a document does.
#pragma once

#include <cstdint>
#include <mutex>
#include <set>
#include <string>

#include "server/documents/store/data_folder.h"

namespace lectern::server {

class MadeFiles {
 public:
  // The folder outlives it.
  explicit MadeFiles(const DataFolder& folder) : folder_(folder) {}

  // While it lives, nothing of the job gives way.
  class Use {
   public:
    Use(MadeFiles& files, std::string id);
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use();

   private:
    MadeFiles& files_;
    const std::string id_;
  };

  // Removes those of whole jobs, of the ones that were used longest ago first, until so many bytes are gone. Returns
  // how many are, which may be fewer.
  int64_t remove(int64_t bytes);

 private:
  const DataFolder& folder_;
  std::mutex mutex_;  // of the following, and held while files of a job are removed
  std::multiset<std::string> used_;
};

}  // namespace lectern::server
