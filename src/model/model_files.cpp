// SPDX-License-Identifier: Apache-2.0
#include "model/model_files.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <system_error>

#include "loewner/base/error.hpp"
#include "model/quoted.hpp"

namespace loewner::detail {
namespace fs = std::filesystem;
namespace {

// Extensions of weight files and the formats that they stand for.
const std::map<std::string, std::string>& formats() {
  static const std::map<std::string, std::string> kFormats = {{".onnx", "an ONNX model"},
                                                              {".onnx_data", "an ONNX model"},
                                                              {".ort", "an ONNX model"},
                                                              {".gguf", "a GGUF file"},
                                                              {".ggml", "a GGML file"},
                                                              {".h5", "a TensorFlow checkpoint"},
                                                              {".keras", "a Keras model"},
                                                              {".msgpack", "a Flax checkpoint"},
                                                              {".ot", "a Rust checkpoint"},
                                                              {".tflite", "a TensorFlow Lite model"},
                                                              {".mlmodel", "a Core ML model"},
                                                              {".nemo", "a NeMo checkpoint"},
                                                              {".npz", "NumPy arrays"},
                                                              {".distcp", "a distributed checkpoint"},
                                                              {".pt", "a pickle"},
                                                              {".pth", "a pickle"},
                                                              {".ckpt", "a pickle"},
                                                              {".bin", "a pickle or binary file"},
                                                              {".safetensors", "a safetensors file"}};
  return kFormats;
}

// Formats that no module in a subfolder is loaded from.
bool is_foreign_everywhere(const std::string& extension) {
  static const std::set<std::string> kExtensions = {".onnx",    ".onnx_data", ".ort",     ".gguf", ".ggml",
                                                    ".h5",      ".keras",     ".msgpack", ".ot",   ".tflite",
                                                    ".mlmodel", ".nemo",      ".distcp"};
  return kExtensions.contains(extension);
}

// Top folders of exporters, of other frameworks and of training runs.
bool is_foreign_folder(const std::string& name) {
  static const std::set<std::string> kFolders = {"onnx",   "openvino", "original", "gguf",
                                                 "coreml", "metal",    "mlx",      "saved_model"};
  return kFolders.contains(name) || name.starts_with("checkpoint-") || name.starts_with("global_step") ||
         name.starts_with("pytorch_model_fsdp") || name.starts_with("optimizer_") || name.ends_with(".mlpackage");
}

bool is_foreign_bin(const std::string& name) {
  if (name.ends_with(".bin.index.json")) return true;
  if (!name.ends_with(".bin")) return false;
  return std::ranges::any_of(std::vector<std::string>{"pytorch_model", "diffusion_pytorch_model", "openvino", "ggml",
                                                      "optimizer", "model.bin", "consolidated", "adapter_model"},
                             [&](const std::string& start) { return name.starts_with(start); });
}

bool is_foreign_at_top(const std::string& name, const std::string& extension) {
  static const std::set<std::string> kExtensions = {".safetensors", ".pt", ".pth", ".ckpt"};
  return kExtensions.contains(extension) || name.ends_with(".safetensors.bak") ||
         name.ends_with(".safetensors.index.json") || name == "tf_model.h5.index.json" ||
         name == "flax_model.msgpack.index.json" || name == "weights.npz" ||
         (name.starts_with("random_states_") && extension == ".pkl") || is_foreign_bin(name);
}

class Walk {
 public:
  Walk(const fs::path& root, std::size_t depth) : root_(root), canonical_root_(fs::canonical(root)), depth_(depth) {}

  ModelFiles run() {
    visit(root_, {canonical_root_});
    std::ranges::sort(result_.files);
    std::ranges::sort(result_.skipped);
    return std::move(result_);
  }

 private:
  void visit(const fs::path& folder, const std::vector<fs::path>& above) {
    for (const auto& entry : fs::directory_iterator(folder)) visit_entry(entry, above);
  }

  void visit_entry(const fs::directory_entry& entry, const std::vector<fs::path>& above) {
    std::error_code error;
    const auto status = entry.status(error);
    const auto name = entry.path().filename();
    if (fs::is_regular_file(status)) {
      result_.files.push_back(entry.path().lexically_relative(root_));
    } else if (!fs::is_directory(status)) {
      skip(entry, entry.is_symlink(error) ? "is a broken link" : "is not a regular file");
    } else if (name != ".git" && name != ".cache") {
      visit_folder(entry, above);
    }
  }

  void visit_folder(const fs::directory_entry& entry, std::vector<fs::path> above) {
    const fs::path place = fs::canonical(entry.path());
    // A link to a folder that is being visited would never end; one to a parent of the model would
    // copy everything in it.
    const bool contains_model = std::ranges::mismatch(place, canonical_root_).in1 == place.end();
    if (contains_model || std::ranges::find(above, place) != above.end()) {
      return skip(entry, "is a link to " + place.string() + ", which contains it");
    }
    if (above.size() > depth_) return;
    above.push_back(place);
    visit(entry.path(), above);
  }

  void skip(const fs::directory_entry& entry, const std::string& reason) {
    result_.skipped.push_back(entry.path().lexically_relative(root_).string() + " " + reason);
  }

  fs::path root_, canonical_root_;
  std::size_t depth_;
  ModelFiles result_;
};

}  // namespace

ModelFiles files_below(const fs::path& folder, std::size_t depth) try {
  return Walk(folder, depth).run();
} catch (const fs::filesystem_error& error) {
  throw IoError(error.path1().string() + ": cannot list: " + error.code().message());
}

bool is_unread_weight(const fs::path& file) {
  const std::string extension = file.extension().string();
  if (is_foreign_everywhere(extension) || file.string().ends_with(".onnx.data")) return true;
  if (file.filename().string().starts_with("events.out.tfevents")) return true;  // a log of training
  if (file.has_parent_path()) return is_foreign_folder(file.begin()->string());
  return is_foreign_at_top(file.string(), extension);
}

std::string found_instead(const std::vector<fs::path>& files) {
  for (const auto& file : files) {
    if (file.filename() == "config.json" && file.has_parent_path()) {
      return detail::quoted(file.parent_path().string()) +
             " has a config.json: give that folder if it is the transformer";
    }
  }
  for (const auto& file : files) {
    const auto format = formats().find(file.extension().string());
    if (format != formats().end()) return detail::quoted(file.string()) + " is " + format->second;
  }
  return "";
}

}  // namespace loewner::detail
