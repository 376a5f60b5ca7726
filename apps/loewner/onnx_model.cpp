// SPDX-License-Identifier: Apache-2.0
#include "onnx_model.hpp"

#include "loewner/base/error.hpp"

namespace loewner::cli {

bool is_onnx_model(const std::filesystem::path& model) {
  namespace fs = std::filesystem;
  if (model.extension() == ".onnx") return true;
  return fs::exists(model / "onnx" / "model.onnx") && !fs::exists(model / "model.safetensors") &&
         !fs::exists(model / "model.safetensors.index.json");
}

int run_on_onnx(const PythonRunner& python, const std::string& command, const Json& options) {
  if (!python) {
    throw InvalidArgument(command + " reads ONNX files in the Python package: pip install \"loewner[onnx]\"");
  }
  return python(command, options);
}

}  // namespace loewner::cli
