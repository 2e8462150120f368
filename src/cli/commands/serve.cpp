// lectern serve: an HTTP server that speaks OpenAI's API.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/interrupts.h"
#include "cli/model_options.h"
#include "core/format_bytes.h"
#include "device/device_list.h"
#include "hub/model_name.h"
#include "lectern/error.h"
#include "lectern/model.h"
#include "server/server.h"

namespace lectern::cli {
namespace {

constexpr int64_t mebibyte = 1 << 20;

struct Arguments {
  std::vector<std::string> models;       // as given
  std::vector<std::string> model_names;  // of them, in order
  ModelArguments model;                  // of all; which is not in it
  server::ServerOptions server;
  std::vector<std::string> url_hosts;
  std::string keep = "30m";
  std::string api_key_file;
  server::ReadingLimits reading;
  int grace_seconds = 30;
  int64_t max_body_mebibytes = 32;
  int64_t max_megapixels = 64;
  std::string data;
  int64_t keep_jobs_hours = 168, max_data_mebibytes = 16384, max_document_mebibytes = 256;
  int header_seconds = 20, body_seconds = 300, idle_seconds = 60;
  bool quiet = false;
};

// 90s, 30m, 2h, 7d, or forever, which is negative.
std::chrono::milliseconds parse_keep(const std::string& word) {
  if (word == "forever") return std::chrono::milliseconds(-1);
  constexpr std::array<std::pair<char, int64_t>, 4> units = {{{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86'400}}};
  int64_t count = 0;
  const char* const end = word.data() + word.size();
  const auto [behind, problem] = std::from_chars(word.data(), end, count);
  const auto* const unit =
      behind + 1 == end ? std::ranges::find(units, *behind, [](const auto& u) { return u.first; }) : units.end();
  constexpr int64_t max_count = 100'000;
  if (problem != std::errc() || unit == units.end() || count < 0 || count > max_count) {
    throw Error(fmt::format("--keep {}: expected a number with s, m, h or d behind it, as in 30m, or forever", word));
  }
  return std::chrono::seconds(count * unit->second);
}

// Folders and names, each by itself or with commas between them.
std::vector<std::string> split_models(const std::vector<std::string>& given) {
  std::vector<std::string> models;
  std::error_code ignored;
  for (const std::string& text : given) {
    if (std::filesystem::exists(text, ignored)) {
      models.push_back(text);
      continue;
    }
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find(',', begin), text.size());
      models.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  if (models.empty()) models.emplace_back();  // the usual one
  return models;
}

// What clients call the model: its name, or that of its folder.
std::string served_name(const std::string& given, const FoundModel& found) {
  for (const char* const name : shipped_model_names) {
    if (const std::filesystem::path shipped = shipped_model(name); !shipped.empty() && found.folder == shipped)
      return name;
  }
  std::error_code ignored;
  const bool by_name = !given.empty() && !std::filesystem::exists(given, ignored);
  if (const auto name = hub::parse_model_name(given); by_name && name) return name->text();
  const std::filesystem::path folder = std::filesystem::weakly_canonical(found.folder, ignored);
  return folder.filename().empty() ? "model" : folder.filename().string();
}

std::vector<server::ModelSource> model_sources(const Arguments& arguments) {
  ModelOptions options = arguments.model.options();
  options.worker = own_program;
  parse_device_groups(options.device,
                      options.tensor_parallel);  // a mistyped one is refused now, though models are loaded later
  const auto left_out = [](const std::string& device, const std::string& why) {
    complain(left_out_message(device, why));
  };
  const std::vector<std::string> models = split_models(arguments.models);
  if (arguments.model_names.size() > models.size()) {
    throw Error(
        fmt::format("--model-name {}: there are only {} models", arguments.model_names[models.size()], models.size()));
  }
  std::vector<server::ModelSource> sources;
  for (size_t i = 0; i < models.size(); ++i) {
    const FoundModel found = find_model(models[i]);
    if (!arguments.quiet && !found.named) complain("reading with " + found.description);
    const std::string name =
        i < arguments.model_names.size() ? arguments.model_names[i] : served_name(models[i], found);
    if (std::ranges::find(sources, name, &server::ModelSource::name) != sources.end()) {
      throw Error(
          fmt::format("--model {}: two models have the name {}; give them names by --model-name", models[i], name));
    }
    sources.push_back(server::model_source(name, found.folder, options, arguments.reading, left_out));
  }
  return sources;
}

server::ServerOptions server_options(const Arguments& arguments) {
  server::ServerOptions options = arguments.server;
  if (!arguments.api_key_file.empty()) options.keys = server::ApiKeys::from_file(arguments.api_key_file);
  options.http.body_bytes = static_cast<size_t>(arguments.max_body_mebibytes * mebibyte);
  options.http.head = std::chrono::seconds(arguments.header_seconds);
  options.http.body = std::chrono::seconds(arguments.body_seconds);
  options.http.idle = std::chrono::seconds(arguments.idle_seconds);
  options.fetch.hosts = arguments.url_hosts;
  options.fetch.max_bytes = options.http.body_bytes;
  options.feed.max_pixels = arguments.max_megapixels * 1'000'000;
  options.documents.folder =
      arguments.data.empty() ? server::default_data_folder() : std::filesystem::path(arguments.data);
  options.documents.keep = std::chrono::hours(arguments.keep_jobs_hours);
  options.documents.max_bytes = arguments.max_data_mebibytes * mebibyte;
  options.documents.max_file_bytes = static_cast<size_t>(arguments.max_document_mebibytes * mebibyte);
  if (!arguments.quiet) {
    options.access_log = [](const std::string& line) { std::fputs((in_one_line(line) + "\n").c_str(), stderr); };
  }
  return options;
}

void wait_for(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait(lock, stop, [] { return false; });
}

int serve(const Arguments& arguments) {
  const Interrupts interrupts(Interrupts::First::ends);  // until there is something to be ended
  server::ServerOptions options = server_options(arguments);
  server::check_options(options);
  use_threads(arguments.model.threads);
  server::ShelfLimits limits;
  limits.keep = parse_keep(arguments.keep);
  auto shelf = std::make_unique<server::ModelShelf>(model_sources(arguments), limits);
  shelf->load(shelf->sources().front());  // what is wrong with it is told at once
  Interrupts::set(Interrupts::First::stops);
  server::Server server(std::move(options), std::move(shelf));
  fmt::print("listening on {}\n", server.url());
  std::fflush(stdout);
  wait_for(interrupts.token());
  if (!arguments.quiet) complain("ending; what is being read is finished first");
  if (!server.drain(std::chrono::seconds(arguments.grace_seconds)) && !arguments.quiet) {
    complain(fmt::format("requests that took longer than {} s were cut off", arguments.grace_seconds));
  }
  return exit_done;
}

void add_access_options(CLI::App& command, Arguments& arguments) {
  command.add_option("--host", arguments.server.host, "Address to listen at (default: 127.0.0.1, this machine alone)")
      ->type_name("ADDRESS");
  command.add_option("--port", arguments.server.port, "Port (default: 8080); 0 takes a free one, which is printed")
      ->type_name("N")
      ->check(CLI::Range(0, 65535).description(""));
  command
      .add_option("--api-key-file", arguments.api_key_file,
                  "File with the keys that clients may show, one a line (default: any key, or none, is taken)")
      ->type_name("FILE");
  command.add_flag("--allow-anonymous", arguments.server.allow_anonymous,
                   "Serve other machines without keys, which is refused otherwise");
  command
      .add_option("--allow-host", arguments.server.host_names,
                  "A name by which the server is reached, beside localhost and addresses; may be given again")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command
      .add_option("--allow-origin", arguments.server.origins,
                  "https://NAME of a site whose pages may use the server from a browser, or *; may be given again "
                  "(default: none but the server's own)")
      ->type_name("ORIGIN")
      ->allow_extra_args(false);
  command
      .add_option("--allow-url-host", arguments.url_hosts,
                  "A host from which pictures are fetched that a request names by their address; may be given again "
                  "(default: none is fetched)")
      ->type_name("HOST")
      ->allow_extra_args(false);
}

void add_served_models(CLI::App& command, Arguments& arguments) {
  command
      .add_option("--model", arguments.models,
                  std::string(model_help) +
                      "; several with commas between them, or given again: the first is that of "
                      "requests which name none, the others are loaded when they are asked for")
      ->type_name("MODEL")
      ->allow_extra_args(false);
  command
      .add_option("--model-name", arguments.model_names,
                  "What clients call the model (default: the name that it was pulled by, or of its folder); may be "
                  "given again, for further models")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command
      .add_option(
          "--keep", arguments.keep,
          "How long a model stays in memory that nobody uses: 90s, 30m (default), 2h, or forever. It is dropped "
          "before, too, where another one needs the memory")
      ->type_name("TIME");
  add_device_options(command, arguments.model);
  add_parallel_option(command, arguments.model);
}

void add_document_options(CLI::App& command, Arguments& arguments) {
  const auto number = [&](const char* name, auto& value, int64_t min, int64_t max, const char* description) {
    command.add_option(name, value, description)->type_name("N")->check(CLI::Range(min, max).description(""));
  };
  command
      .add_option("--data", arguments.data,
                  "Folder, of this server alone, in which documents are kept (default: ~/.local/state/lectern/serve)")
      ->type_name("FOLDER");
  number("--keep-jobs", arguments.keep_jobs_hours, 0, 1'000'000,
         "Hours after its end for which a document and its results are kept (default: 168, a week)");
  number("--max-data", arguments.max_data_mebibytes, 1, int64_t{1} << 30,
         "Mebibytes of all that is kept; what can be made again gives way, then the oldest documents (default: 16384)");
  number("--max-document", arguments.max_document_mebibytes, 1, 65'536, "Mebibytes of a document (default: 256)");
  number("--max-jobs", arguments.server.documents.max_waiting, 1, 1'000'000,
         "Documents that may wait; further ones are answered with 429 (default: 1000)");
}

void add_limit_options(CLI::App& command, Arguments& arguments) {
  server::HttpLimits& http = arguments.server.http;
  server::FeedLimits& feed = arguments.server.feed;
  const auto number = [&](const char* name, auto& value, int64_t min, int64_t max, const char* description) {
    command.add_option(name, value, description)->type_name("N")->check(CLI::Range(min, max).description(""));
  };
  number("--batch", arguments.reading.batch, 1, 1024,
         "Pages read together on a device (default: as many as help and as the memory holds)");
  number("--max-tiles", arguments.reading.max_tiles, 1, server::max_tile_limit,
         "Tiles that a large page is cut into at most; requests may ask for fewer, which take less time and show less "
         "(default: what the model was trained with: 9, 32 or 6)");
  number("--max-pages-in-flight", feed.max_reading, 1, 100'000,
         "Pages with the model at a time, their pictures decoded (default: 64)");
  number("--max-waiting", feed.max_waiting, 0, 1'000'000,
         "Pages that may wait; further requests are answered with 429 (default: 1000)");
  number("--max-body", arguments.max_body_mebibytes, 1, 1024, "Mebibytes of a request (default: 32)");
  number("--max-megapixels", arguments.max_megapixels, 1, 200, "Of a picture, in millions of pixels (default: 64)");
  number("--max-connections", http.connections, 1, 100'000, "Connections at a time (default: 512)");
  number("--max-connections-per-address", http.connections_per_address, 0, 100'000,
         "Of them, from one address; 0: all (default: 64)");
  number("--header-timeout", arguments.header_seconds, 1, 3600, "Seconds for the headers of a request (default: 20)");
  number("--body-timeout", arguments.body_seconds, 1, 86'400, "Seconds for the rest of it (default: 300)");
  number("--idle-timeout", arguments.idle_seconds, 1, 86'400,
         "Seconds after which a connection ends that takes or sends nothing (default: 60)");
  number("--grace", arguments.grace_seconds, 0, 86'400,
         "Seconds that what is being read may take to its end after SIGTERM (default: 30)");
}

}  // namespace

Command add_serve(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("serve", "Serve clients of OpenAI's API over HTTP");
  add_access_options(*command, *arguments);
  add_served_models(*command, *arguments);
  add_document_options(*command, *arguments);
  add_limit_options(*command, *arguments);
  command->add_flag("--quiet", arguments->quiet, "No line a request on standard error");
  return [arguments] { return serve(*arguments); };
}

}  // namespace lectern::cli
