// Files made of documents, beside their sources. They can be made again, so they are removed before documents are.
#pragma once

#include <cstdint>
#include <mutex>
#include <set>
#include <string>

#include "server/documents/store/data_folder.h"

namespace lectern::server {

class MadeFiles {
 public:
  // The folder must outlive it.
  explicit MadeFiles(const DataFolder& folder) : folder_(folder) {}

  // While it lives, nothing of the job is removed.
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

  // Removes the files of jobs, least recently used first, until so many bytes are freed. Returns how many were, which
  // may be fewer.
  int64_t remove(int64_t bytes);

 private:
  const DataFolder& folder_;
  std::mutex mutex_;  // of the following; held while files of a job are removed
  std::multiset<std::string> used_;
};

}  // namespace lectern::server
