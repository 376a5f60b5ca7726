// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <optional>
#include <utility>

#include "exit_code.hpp"
#include "loewner/base/byte_size.hpp"
#include "loewner/base/error.hpp"
#include "loewner/compress/pipeline.hpp"
#include "onnx_model.hpp"
#include "registry.hpp"
#include "tables.hpp"
#include "url.hpp"
#include "worker_options.hpp"

namespace loewner::cli {
namespace {

constexpr const char* kNoText = "none";
constexpr const char* kBlindNote =
    "linear layers are coded without calibration, which the Python package does with torch and transformers; --text "
    "none leaves this note away";

std::vector<std::string> method_names() {
  std::vector<std::string> names;
  for (const Method method : all_methods()) names.emplace_back(to_string(method));
  return names;
}

std::vector<std::pair<std::string, std::string>> method_descriptions() {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Method method : all_methods()) rows.emplace_back(to_string(method), info_of(method).description);
  return rows;
}

class Compress final : public Command {
 public:
  Compress()
      : Command({.name = "compress",
                 .summary = "write a smaller copy of a model",
                 .examples = {"loewner compress all-MiniLM-L6-v2 -o small --bits 3",
                              "loewner compress all-MiniLM-L6-v2 -o small --all --budget 12MB"},
                 .notes =
                     "Without --linear or --all, token embeddings are compressed and all other tensors are copied. "
                     "Sizes include the metadata of the files; 1 MB is 1,000,000 bytes, 1 MiB is 1,048,576.",
                 .table = {"Methods", method_descriptions()}}) {}

  void add_options(Options& options) override {
    options.begin(Section::what);
    OptionText model = kModelOrFileText;
    model.help += ", or its URL (Python package)";
    model.allows_url = true;
    options.add("MODEL", options_.model, model);
    options.add(
        "-o,--output", options_.output,
        {.value = "FOLDER",
         .help = "new folder for the smaller model, its URL (Python package), or new .onnx file; not needed with "
                 "--dry-run",
         .completes = Completes::folders,
         .in_usage = true,
         .allows_url = true});
    add_selection(options);
    add_amount(options);
    add_method(options);
    add_run(options);
  }

  int run(const Streams& streams, const PythonRunner& python) override {
    apply_texts();
    if (is_onnx()) {
      require(!workers_.divides_work(),
              [&] { return workers_.text() + " is for folders of safetensors, not for ONNX files"; });
      return run_on_onnx(python, "compress", options_for_python());
    }
    require(tokenizer_.empty(), [] { return std::string("--tokenizer is for ONNX files"); });
    if (const auto found = urls(); !found.empty()) return run_on_urls(found.front(), python);
    workers_.require_usable(options_.dry_run, must_calibrate() && (options_.moments.empty() || text_));
    if (workers_.uses_ray()) return run_on_ray(python);
    if (may_calibrate() && python && (options_.moments.empty() || text_))
      return python("compress", options_for_python());
    require_nothing_to_save(python);
    if (text_ && *text_ != kNoText) {
      throw InvalidArgument(python ? "--text calibrates for a size other than --max-error"
                                   : "--text runs in the Python package: pip install \"loewner[transformers]\"");
    }
    run_.apply_threads();
    if (const auto share = workers_.share()) return run_share(*share, streams);
    CompressReport report = run_.with_progress(streams, [&](const ProgressCallback& progress) {
      return workers_.assembles ? assemble_parts(options_, progress) : compress(options_, progress);
    });
    if (must_calibrate() && options_.moments.empty()) report.notes.emplace_back(kBlindNote);
    if (!run_.quiet) print_report(report, options_.dry_run, streams.out);
    run_.write_json(to_json(report));
    return done;
  }

 private:
  int run_share(const WorkerShare& share, const Streams& streams) {
    const ShareReport report = run_.with_progress(
        streams, [&](const ProgressCallback& progress) { return make_share(options_, share, progress); });
    if (!run_.quiet) streams.out << summary(report, share);
    run_.write_json(to_json(report, share));
    return done;
  }

  // These may be URLs, which the Python package copies from and to.
  std::vector<std::filesystem::path> urls() const {
    std::vector<std::filesystem::path> found = {options_.model, options_.output, options_.moments};
    std::erase_if(found, [](const auto& path) { return !is_url(path); });
    return found;
  }

  int run_on_urls(const std::filesystem::path& url, const PythonRunner& python) const {
    require(python != nullptr,
            [&] { return url.string() + ": URLs are for the Python package: pip install \"loewner[fsspec]\""; });
    require(!workers_.divides_work() || workers_.uses_ray(), [&] {
      return url.string() + ": " + workers_.text() + " needs folders that all workers see; --ray takes URLs";
    });
    workers_.require_usable(options_.dry_run, must_calibrate() && (options_.moments.empty() || text_));
    return python("compress", options_for_python());
  }

  int run_on_ray(const PythonRunner& python) const {
    require(python != nullptr,
            [] { return std::string("--ray runs in the Python package: pip install \"loewner[ray]\""); });
    return python("compress", options_for_python());
  }

  void add_selection(Options& options) {
    auto* embeddings = options.add_flag("--embeddings", embeddings_, "select token embeddings (default)");
    auto* linear = options.add_flag("--linear", linear_, "select linear layers and untied heads");
    auto* all = options.add_flag("--all", all_, "select token embeddings, linear layers and untied heads");
    embeddings->excludes(linear, all);
    linear->excludes(all);
    options.add("--include", options_.include,
                {.value = "REGEX", .help = "further tensors, those whose name matches this regular expression"});
    options.add("--exclude", options_.exclude,
                {.value = "REGEX", .help = "tensors to leave out, those whose name matches this regular expression"});
  }

  void add_amount(Options& options) {
    options.begin_exactly_one(Section::how_much);
    options.add("--keep", options_.keep,
                {.value = "F", .help = "bytes of the selected tensors after / before, between 0 and 1"});
    options.add("--bits", options_.bits, {.value = "B", .help = "mean bits per weight of the selected tensors"});
    options.add("--budget", budget_, {.value = "SIZE", .help = "size of all weights of the output, such as 24MB"});
    options.add("--max-error", options_.max_error,
                {.value = "E", .help = "largest relative weighted error of each tensor, between 0 and 1"});
  }

  void add_method(Options& options) {
    options.begin(Section::how);
    options.add(
        "--method", method_,
        {.value = "NAME", .help = "encoding of the matrices", .default_text = method_, .choices = method_names()});
    for (const Method method : all_methods()) {
      const MethodInfo& info = info_of(method);
      if (info.flag.empty()) continue;
      options.add(std::string(info.flag), method_flags_[method], {.value = "K", .help = std::string(info.flag_help)});
    }
    options.add("--norm-exponent", options_.norm_exponent,
                {.value = "P",
                 .help = "exponent p >= 1 of --method lp and of the reported l_p errors",
                 .default_text = text_of(options_.norm_exponent)});
    options.add("--row-weights", options_.row_weights,
                {.value = "WEIGHTS",
                 .help = "weights of the rows of token embeddings: zipf[:EXPONENT], none, or a file of token counts",
                 .default_text = options_.row_weights,
                 .completes = Completes::files});
    options.add("--tokenizer", tokenizer_, kTokenizerText);
    options.add("--factor-format", factor_format_,
                {.value = "FORMAT",
                 .help = "number format of factors",
                 .default_text = factor_format_,
                 .choices = {"f32", "f16", "bf16"}});
    options.add("--text", text_,
                {.value = "FILE",
                 .help = "text whose lines calibrate tables and linear layers: a file, `package` (the text of the "
                         "Python package) or `none`",
                 .default_text = "package in the Python package with torch and transformers, otherwise none",
                 .completes = Completes::files});
    options.add("--moments", options_.moments,
                {.value = "FILE",
                 .help = "file of --save-moments or of calibrate --activations: encodings then minimize output errors",
                 .completes = Completes::files,
                 .allows_url = true});
    options.add("--save-moments", save_moments_,
                {.value = "FILE",
                 .help = "write the moments of a calibration, for --moments of later runs and of verify",
                 .completes = Completes::files});
  }

  void add_run(Options& options) {
    options.begin(Section::run);
    options.add("--seed", options_.seed,
                {.value = "N", .help = "random seed; svd and lp use none", .default_text = "0"});
    options.add("--max-memory", max_memory_, kMaxMemoryText);
    options.add_flag("--dry-run", options_.dry_run, "print the plan and the predicted errors; write nothing");
    auto* resume = options.add_flag("--resume", resume_, "continue an interrupted run");
    options.add_flag("--overwrite", overwrite_, "replace an existing output of loewner, or an empty folder")
        ->excludes(resume);
    options.add_flag("--copy-all", options_.copy_all,
                     "copy weights in other formats, training checkpoints and optimizer states too");
    workers_.add(options);
    run_.add_json(options);
    run_.add_quiet(options);
    run_.add_threads(options);
  }

  // The options that are read as text.
  void apply_texts() {
    if (linear_) options_.selection = Selection::linear;
    if (all_) options_.selection = Selection::all;
    options_.method = *method_from_string(method_);
    options_.factor_format = *number_format_from_string(factor_format_);
    for (const auto& [method, text] : method_flags_) {
      if (text) set_from_flag(method, *text, options_.method_options);
    }
    if (!max_memory_.empty()) options_.max_memory = parse_byte_size("--max-memory", max_memory_);
    if (!budget_.empty()) options_.budget = parse_byte_size("--budget", budget_);
    options_.if_exists = resume_ ? IfExists::resume : overwrite_ ? IfExists::overwrite : IfExists::refuse;
  }

  void require_nothing_to_save(const PythonRunner& python) const {
    if (save_moments_.empty()) return;
    throw InvalidArgument(python ? "--save-moments saves what a calibration finds: it needs a text other than none, "
                                   "and a size other than --max-error"
                                 : "--save-moments runs in the Python package: pip install \"loewner[transformers]\"");
  }

  bool is_onnx() const { return is_onnx_model(options_.model) || options_.output.extension() == ".onnx"; }

  // Whether the Python package may calibrate what is selected. Workers calibrate nothing: they make parts
  // independently, and tables alone do not need it.
  bool may_calibrate() const {
    return must_calibrate() || (text_ != kNoText && !options_.max_error && !workers_.divides_work());
  }

  // Whether the user asks for a calibration, or linear layers may be selected, which lose much without one.
  bool must_calibrate() const {
    const bool is_asked_for = text_ || !save_moments_.empty() || linear_ || all_ || !options_.include.empty();
    return is_asked_for && text_ != kNoText && !options_.max_error;
  }

  // All options, by the names of loewner.compress.
  Json options_for_python() const {
    const auto or_null = [](const auto& value) { return value ? Json(*value) : Json(nullptr); };
    Json options = {{"model", options_.model.string()},
                    {"output", options_.output.string()},
                    {"text", or_null(text_)},
                    {"selection", all_      ? "all"
                                  : linear_ ? "linear"
                                            : "embeddings"},
                    {"include", options_.include},
                    {"exclude", options_.exclude},
                    {"keep", or_null(options_.keep)},
                    {"bits", or_null(options_.bits)},
                    {"budget", or_null(options_.budget)},
                    {"max_error", or_null(options_.max_error)},
                    {"method", method_},
                    {"norm_exponent", options_.norm_exponent},
                    {"row_weights", options_.row_weights},
                    {"tokenizer", tokenizer_.string()},
                    {"factor_format", factor_format_},
                    {"moments", options_.moments.string()},
                    {"save_moments", save_moments_.string()},
                    {"seed", options_.seed},
                    {"max_memory", options_.max_memory},
                    {"dry_run", options_.dry_run},
                    {"if_exists", resume_      ? "resume"
                                  : overwrite_ ? "overwrite"
                                               : "refuse"},
                    {"copy_all", options_.copy_all},
                    {"ray", workers_.uses_ray() ? Json(workers_.ray) : Json(nullptr)},
                    {"json", run_.json.string()},
                    {"quiet", run_.quiet},
                    {"threads", or_null(run_.threads)}};
    for (const auto& [name, value] : options_.method_options) options[name] = value;
    return options;
  }

  CompressOptions options_;
  RunOptions run_;
  WorkerOptions workers_;
  std::optional<std::string> text_;
  std::filesystem::path save_moments_;
  std::string method_ = "auto", factor_format_ = "f32", max_memory_, budget_;
  std::filesystem::path tokenizer_;
  std::map<Method, std::optional<std::string>> method_flags_;  // values of the options of single methods
  bool embeddings_ = false, linear_ = false, all_ = false, resume_ = false, overwrite_ = false;
};

}  // namespace

std::unique_ptr<Command> make_compress() {
  return std::make_unique<Compress>();
}

}  // namespace loewner::cli
