// SPDX-License-Identifier: Apache-2.0
#include "command_line.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <fstream>
#include <map>
#include <optional>

#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/compress/expand.hpp"
#include "loewner/compress/pipeline.hpp"
#include "loewner/compress/rank_curves.hpp"
#include "loewner/compress/verify.hpp"
#include "progress_bar.hpp"
#include "tables.hpp"

namespace loewner::cli {
namespace {

// Options that every command takes.
struct Common {
  std::filesystem::path json;
  bool quiet = false;
  std::optional<int> threads;

  void add_to(CLI::App& command) {
    command.add_option("--json", json, "write the report as JSON to this file");
    command.add_flag("--quiet", quiet, "no table and no progress bar");
    command.add_option("--threads", threads, "number of threads; results do not depend on it")
        ->check(CLI::Range(1, 4096));
  }
};

struct Streams {
  std::ostream& out;
  std::ostream& err;
};

void write_json(const Common& common, const Json& report) {
  if (common.json.empty()) return;
  std::ofstream file(common.json);
  file << report.dump(2) << "\n";
  file.close();
  if (!file) throw IoError(common.json.string() + ": cannot be written");
}

// A bar only where somebody watches.
template <typename Work>
auto with_progress(const Common& common, Streams streams, Work work) {
  if (common.quiet || isatty(STDERR_FILENO) == 0) return work(ProgressCallback{});
  ProgressBar bar(streams.err);
  return work([&](std::string_view what, double fraction) { bar.show(what, fraction); });
}

std::vector<std::string> method_names() {
  std::vector<std::string> names;
  for (const Method method : all_methods()) names.emplace_back(to_string(method));
  return names;
}

std::string method_list() {
  std::string list = "Methods:\n";
  for (const Method method : all_methods()) {
    list += fmt::format("  {:<12}{}\n", to_string(method), info_of(method).description);
  }
  return list;
}

IfExists if_exists_of(bool resume, bool overwrite) {
  if (resume) return IfExists::resume;
  return overwrite ? IfExists::overwrite : IfExists::refuse;
}

// "1.5GB", "800 MiB" or a number of bytes; a kB has 1000 bytes, as in the tables.
std::int64_t parse_bytes(const std::string& option, const std::string& text) {
  static const std::map<std::string, double> kUnits = {
      {"", 1},      {"b", 1},        {"kb", 1e3},     {"mb", 1e6},     {"gb", 1e9},
      {"tb", 1e12}, {"kib", 0x1p10}, {"mib", 0x1p20}, {"gib", 0x1p30}, {"tib", 0x1p40}};
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  const auto unit = kUnits.find(CLI::detail::to_lower(CLI::detail::trim_copy(std::string(parsed.ptr, end))));
  const double bytes = unit == kUnits.end() ? 0 : number * unit->second;
  require(bytes >= 1 && bytes < 0x1p62, [&] { return option + ": a size as 1.5GB is needed, got '" + text + "'"; });
  return static_cast<std::int64_t>(bytes);
}

class Command {
 public:
  virtual ~Command() = default;
  virtual int run(Streams streams) = 0;

  CLI::App* app = nullptr;
};

class Inspect final : public Command {
 public:
  explicit Inspect(CLI::App& root) {
    app = root.add_subcommand("inspect", "table of tensors: role, shape, type, bytes; reads headers only");
    app->add_option("MODEL", model_, "model folder")->required();
    app->add_flag("--curves", curves_, "also what each rank leaves of each matrix; reads the weights");
    common_.add_to(*app);
  }
  int run(Streams streams) override {
    const Checkpoint checkpoint = Checkpoint::open(model_);
    std::vector<TensorDeclaration> declarations;
    for (const auto& tensor : checkpoint.tensors()) declarations.push_back(*tensor.info);
    const Architecture architecture = analyse_architecture(checkpoint.config(), declarations);
    if (!common_.quiet) print_inspection(checkpoint, architecture, streams.out);
    Json report = inspection_to_json(checkpoint, architecture);
    if (curves_) {
      const auto curves = with_progress(common_, streams, [&](const ProgressCallback& progress) {
        return rank_curves(checkpoint, architecture, 0, progress);
      });
      if (!common_.quiet) print_curves(curves, streams.out);
      report["curves"] = curves_to_json(curves);
    }
    write_json(common_, report);
    return done;
  }

 private:
  std::filesystem::path model_;
  bool curves_ = false;
  Common common_;
};

class Compress final : public Command {
 public:
  explicit Compress(CLI::App& root) {
    app = root.add_subcommand("compress", "make a model smaller");
    app->add_option("MODEL", options_.model, "model folder: config.json and safetensors")->required();
    app->add_option("-o,--output", options_.output, "folder to be made");
    add_selection();
    add_amount();
    add_method();
    add_run();
  }

  int run(Streams streams) override {
    if (common_.threads) set_num_threads(*common_.threads);
    if (linear_) options_.selection = Selection::linear;
    if (all_) options_.selection = Selection::all;
    options_.method = *method_from_string(method_);
    options_.factor_format = *number_format_from_string(factor_format_);
    for (const auto& [method, text] : method_flags_) {
      if (text) set_from_flag(method, *text, options_.method_options);
    }
    options_.if_exists = if_exists_of(resume_, overwrite_);
    if (!max_memory_.empty()) options_.max_memory = parse_bytes("--max-memory", max_memory_);
    if (!budget_.empty()) options_.budget = parse_bytes("--budget", budget_);
    const CompressReport report =
        with_progress(common_, streams, [&](const ProgressCallback& progress) { return compress(options_, progress); });
    if (!common_.quiet) print_report(report, options_.dry_run, streams.out);
    write_json(common_, to_json(report));
    return done;
  }

 private:
  void add_selection() {
    auto* embeddings = app->add_flag("--embeddings", embeddings_, "token embeddings (default)");
    auto* linear = app->add_flag("--linear", linear_, "linear layers and heads");
    auto* all = app->add_flag("--all", all_, "token embeddings and linear layers");
    embeddings->excludes(linear, all);
    linear->excludes(all);
    app->add_option("--include", options_.include, "also tensors whose name matches this regular expression")
        ->allow_extra_args(false);
    app->add_option("--exclude", options_.exclude, "but none whose name matches this one")->allow_extra_args(false);
  }
  void add_amount() {
    auto* amount = app->add_option_group("amount", "how much; exactly one");
    amount->add_option("--keep", options_.keep, "bytes of the selected tensors after / before, in (0, 1)");
    amount->add_option("--bits", options_.bits, "mean bits per weight of the selected tensors");
    amount->add_option("--budget", budget_, "size of all weights of the output, as in 24MB");
    amount->add_option("--max-error", options_.max_error, "largest relative weighted error of each tensor, in (0, 1)");
    amount->require_option(1);
  }
  void add_method() {
    app->footer(method_list());
    app->add_option("--method", method_, "encoding of the matrices; the methods are listed below")
        ->check(CLI::IsMember(method_names()))
        ->capture_default_str();
    for (const Method method : all_methods()) {
      const MethodInfo& info = info_of(method);
      if (!info.flag.empty())
        app->add_option(std::string(info.flag), method_flags_[method], std::string(info.flag_help));
    }
    app->add_option("--norm-exponent", options_.norm_exponent, "p >= 1 of lp and of the l_p errors")
        ->capture_default_str();
    app->add_option("--row-weights", options_.row_weights, "zipf[:EXPONENT], none, or a file of token counts")
        ->capture_default_str();
    app->add_option("--factor-format", factor_format_, "f32, f16 or bf16")
        ->check(CLI::IsMember({"f32", "f16", "bf16"}))
        ->capture_default_str();
  }
  void add_run() {
    app->add_option("--seed", options_.seed, "of every random choice")->capture_default_str();
    app->add_option("--max-memory", max_memory_,
                    "resident memory to stay below, as in 1.5GB; default: half of the machine's");
    app->add_flag("--dry-run", options_.dry_run, "print the plan and the predicted errors; write nothing");
    auto* resume = app->add_flag("--resume", resume_, "go on with an interrupted run");
    app->add_flag("--overwrite", overwrite_, "replace an existing output")->excludes(resume);
    common_.add_to(*app);
  }

  CompressOptions options_;
  Common common_;
  std::string method_ = "auto", factor_format_ = "f32", max_memory_, budget_;
  std::map<Method, std::optional<std::string>> method_flags_;  // values of the flags of single methods, as given
  bool embeddings_ = false, linear_ = false, all_ = false, resume_ = false, overwrite_ = false;
};

class Verify final : public Command {
 public:
  explicit Verify(CLI::App& root) {
    app = root.add_subcommand("verify",
                              "recompute errors, certificates and sizes; exit code 5 when a claim does not hold");
    app->add_option("OUT", output_, "folder that compress made")->required();
    app->add_option("--against", model_, "the original model folder")->required();
    common_.add_to(*app);
  }
  int run(Streams streams) override {
    if (common_.threads) set_num_threads(*common_.threads);
    const VerifyReport report = with_progress(
        common_, streams, [&](const ProgressCallback& progress) { return verify(output_, model_, progress); });
    if (!common_.quiet) print_report(report, streams.out);
    write_json(common_, to_json(report));
    if (report.holds()) return done;
    streams.err << "loewner verify: " << output_.string() << ": a stored claim does not hold\n";
    return claim_failed;
  }

 private:
  std::filesystem::path output_, model_;
  Common common_;
};

class Expand final : public Command {
 public:
  explicit Expand(CLI::App& root) {
    app =
        root.add_subcommand("expand", "write an ordinary dense checkpoint, for tools that know nothing of the format");
    app->add_option("OUT", model_, "folder that compress made")->required();
    app->add_option("-o,--output", output_, "folder to be made")->required();
    app->add_flag("--overwrite", overwrite_, "replace an existing output");
    common_.add_to(*app);
  }
  int run(Streams streams) override {
    if (common_.threads) set_num_threads(*common_.threads);
    with_progress(common_, streams, [&](const ProgressCallback& progress) {
      expand(model_, output_, if_exists_of(false, overwrite_), progress);
      return 0;
    });
    return done;
  }

 private:
  std::filesystem::path model_, output_;
  bool overwrite_ = false;
  Common common_;
};

int run_command(CLI::App& root, std::span<const std::string> arguments, std::span<Command* const> commands,
                Streams streams) {
  try {
    root.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // CLI11 takes them last first
  } catch (const CLI::ParseError& error) {
    return root.exit(error, streams.out, streams.err) == 0 ? done : usage;  // --help and --version end here with 0
  }
  for (auto* command : commands) {
    if (command->app->parsed()) return command->run(streams);
  }
  return usage;
}

}  // namespace

int run(std::span<const std::string> arguments, std::ostream& out, std::ostream& err) {
  CLI::App root("Transformer checkpoints made smaller without fine-tuning and without a GPU.", "loewner");
  root.set_version_flag("--version", LOEWNER_VERSION);
  root.require_subcommand(1);
  root.footer("The Python package's loewner also has: eval, plot, refit, report (see loewner eval --help).");
  root.failure_message([](const CLI::App*, const CLI::Error& error) {
    return fmt::format("loewner: {} (see loewner --help)\n", error.what());
  });
  Inspect inspect(root);
  Compress compress(root);
  Verify verify(root);
  Expand expand(root);
  const std::vector<Command*> commands = {&inspect, &compress, &verify, &expand};
  const auto fail = [&](const std::exception& error, int code) {
    err << "loewner: " << error.what() << "\n";
    return code;
  };
  try {
    return run_command(root, arguments, commands, {out, err});
  } catch (const InvalidArgument& error) {
    return fail(error, usage);
  } catch (const BudgetError& error) {
    return fail(error, budget);
  } catch (const Cancelled& error) {
    return fail(error, interrupted);
  } catch (const std::exception& error) {
    return fail(error, bad_input);
  }
}

}  // namespace loewner::cli
