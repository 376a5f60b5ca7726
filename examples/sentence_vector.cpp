// SPDX-License-Identifier: Apache-2.0
// Computes the vector of a sentence with onnxruntime alone, from token ids:
//
//   loewner export MODEL -o OUT --sentence
//   g++ -std=c++20 sentence_vector.cpp $(pkg-config --cflags --libs libonnxruntime) -o sentence_vector
//   ./sentence_vector OUT/onnx/model.onnx 101 1037 6251 1012 102
#include <array>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <vector>

#include <onnxruntime_cxx_api.h>

int main(int argc, char** argv) {
  if (argc < 3) return EXIT_FAILURE;
  const Ort::Env environment;
  Ort::Session session(environment, argv[1], Ort::SessionOptions());

  std::vector<std::int64_t> ids;
  for (int i = 2; i < argc; ++i) ids.push_back(std::atoll(argv[i]));
  std::vector<std::int64_t> mask(ids.size(), 1), types(ids.size(), 0);
  const std::array<std::int64_t, 2> shape{1, static_cast<std::int64_t>(ids.size())};
  const auto memory = Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeCPU);
  const auto tensor = [&](std::vector<std::int64_t>& values) {
    return Ort::Value::CreateTensor(memory, values.data(), values.size(), shape.data(), shape.size());
  };
  const std::array inputs{tensor(ids), tensor(mask), tensor(types)};
  const std::array input_names{"input_ids", "attention_mask", "token_type_ids"};
  const std::array output_names{"sentence_embedding"};

  // Models with one type of tokens have the first two inputs only.
  const auto outputs = session.Run(Ort::RunOptions(), input_names.data(), inputs.data(), session.GetInputCount(),
                                   output_names.data(), output_names.size());
  const auto size = outputs[0].GetTensorTypeAndShapeInfo().GetElementCount();
  for (std::size_t i = 0; i < size; ++i) std::cout << outputs[0].GetTensorData<float>()[i] << "\n";
}
