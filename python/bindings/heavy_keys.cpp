// SPDX-License-Identifier: Apache-2.0
#include "loewner/attention/heavy_keys.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/variant.h>

#include "arrays.hpp"
#include "bindings.hpp"
#include "interruptible.hpp"
#include "loewner/attention/attend_selected.hpp"
#include "loewner/attention/heavy_key_stream.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

// Keys, queries and values come as a cache holds them.
using KeysArg = std::variant<MatrixArg<float>, MatrixArg<Half>>;

template <typename Body>
auto with_keys(const KeysArg& keys, Body&& body) {
  return std::visit(
      [&]<typename Array>(const Array& array) {
        if constexpr (std::is_same_v<Array, MatrixArg<float>>) {
          return body(view_of(array));
        } else {
          const Matrix<float> wide = read_all(HalfRows(view_of(array)));
          return body(wide.view());
        }
      },
      keys);
}

HeavyKeyOptions options_of(double power, std::optional<double> eps, std::optional<Index> max_keys) {
  HeavyKeyOptions options;
  options.power = power;
  options.eps = eps;
  options.max_keys = max_keys;
  return options;
}

void bind_selection(nb::module_& m) {
  nb::class_<HeavyKeys> result(m, "HeavyKeys", "The keys that may have a large weight for some query.");
  def_array(result, "scores", &HeavyKeys::scores, "n values: no query gives key j a larger weight");
  result
      .def_prop_ro(
          "indices", [](const HeavyKeys& self) { return to_python(self.indices); }, nb::rv_policy::move,
          "kept, ascending")
      .def_ro("rank", &HeavyKeys::rank, "numerical rank of the keys, or of their symmetric powers")
      .def_ro("certified_eps", &HeavyKeys::certified_eps, "every weight above it, for any query, is of a kept key");

  const HeavyKeyOptions defaults;
  m.def(
      "select_heavy_keys",
      [](const KeysArg& keys, std::optional<double> eps, std::optional<Index> max_keys, double power,
         Index protect_first, Index protect_last, double ridge, bool center) {
        HeavyKeyOptions options = options_of(power, eps, max_keys);
        options.protect_first = protect_first;
        options.protect_last = protect_last;
        options.ridge = ridge;
        options.center = center;
        return with_keys(keys, [&](MatrixView<const float> rows) {
          return interruptible([&] { return select_heavy_keys(rows, options); });
        });
      },
      "keys"_a.noconvert(), nb::kw_only(), "eps"_a = nb::none(), "max_keys"_a = nb::none(), "power"_a = defaults.power,
      "protect_first"_a = 0, "protect_last"_a = 0, "ridge"_a = 0.0, "center"_a = false,
      "The keys that may have a weight of eps, |<q, k_j>|^power / sum_l |<q, k_l>|^power, for some query q; or the\n"
      "max_keys ones of the highest bounds.\n\n"
      "keys: n x d, float32 or float16. Exact for power 2, bounds for others. Says nothing of softmax weights.");
}

void bind_attention(nb::module_& m) {
  nb::class_<SelectedAttention> result(m, "SelectedAttention", "Attention over some of the keys.");
  def_array(result, "output", &SelectedAttention::output, "n_q x d_v");
  def_array(result, "captured_mass", &SelectedAttention::captured_mass,
            "by query: share of all keys' weights that the selected ones have");
  m.def(
      "attend_selected",
      [](const MatrixArg<float>& queries, const MatrixArg<float>& keys, const MatrixArg<float>& values,
         const VectorArg<Index>& indices, std::optional<double> power, double scale) {
        const auto q = view_of(queries), k = view_of(keys), v = view_of(values);
        const auto chosen = view_of(indices);
        return interruptible([&] { return attend_selected(q, k, v, chosen, power, scale); });
      },
      "queries"_a.noconvert(), "keys"_a.noconvert(), "values"_a.noconvert(), "indices"_a.noconvert(), nb::kw_only(),
      "power"_a = nb::none(), "scale"_a = 1.0,
      "sum over the chosen keys of w_ij v_j: with a power w_ij = |<q_i, k_j>|^power over its sum for all keys; "
      "without\n"
      "softmax of scale <q_i, k_j> over the chosen keys.");
}

void bind_stream(nb::module_& m) {
  nb::class_<HeavyKeyStream::Kept> kept(m, "KeptKeys", "What a stream of heavy keys holds.");
  def_array(kept, "scores", &HeavyKeyStream::Kept::scores, "m values");
  def_array(kept, "keys", &HeavyKeyStream::Kept::keys, "m x d");
  def_array(kept, "values", &HeavyKeyStream::Kept::values, "m x d_v");
  kept.def_prop_ro(
          "indices", [](const HeavyKeyStream::Kept& self) { return to_python(self.indices); }, nb::rv_policy::move,
          "of the keys in the stream, ascending")
      .def_ro("rank", &HeavyKeyStream::Kept::rank);

  const HeavyKeyStreamOptions defaults;
  nb::class_<HeavyKeyStream>(m, "HeavyKeyStream", "The heavy keys of everything pushed so far, in one pass, exactly.")
      .def(
          "__init__",
          [](HeavyKeyStream* self, Index key_cols, Index value_cols, double eps, double power) {
            new (self) HeavyKeyStream(key_cols, value_cols, {.power = power, .eps = eps});
          },
          "key_cols"_a, "value_cols"_a, nb::kw_only(), "eps"_a = defaults.eps, "power"_a = defaults.power)
      .def(
          "push",
          [](HeavyKeyStream& self, const MatrixArg<float>& keys, const MatrixArg<float>& values) {
            self.push(view_of(keys), view_of(values));
          },
          "keys"_a.noconvert(), "values"_a.noconvert(), "keys: b x d, values: b x d_v.")
      .def("merge", &HeavyKeyStream::merge, "other"_a, "As if the other's keys had been pushed behind these.")
      .def_prop_ro("num_keys", &HeavyKeyStream::num_keys, "pushed so far")
      .def("current", &HeavyKeyStream::current, "The kept keys: those of select_heavy_keys on all keys.")
      .def(
          "attend",
          [](const HeavyKeyStream& self, const MatrixArg<float>& queries) {
            return to_python(self.attend(view_of(queries)));
          },
          "queries"_a.noconvert(), "Attention over the kept keys, with the denominators of all keys.")
      .def("to_bytes",
           [](const HeavyKeyStream& self) {
             const std::string bytes = self.to_bytes();
             return nb::bytes(bytes.data(), bytes.size());
           })
      .def_static(
          "from_bytes",
          [](const nb::bytes& bytes) {
            return HeavyKeyStream::from_bytes({static_cast<const char*>(bytes.data()), bytes.size()});
          },
          "bytes"_a, "Raises IoError on bytes that to_bytes does not write.");
}

}  // namespace

void bind_heavy_keys(nb::module_& m) {
  bind_selection(m);
  bind_attention(m);
  bind_stream(m);
}

}  // namespace loewner::python
