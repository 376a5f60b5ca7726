// SPDX-License-Identifier: Apache-2.0
#include "loewner/attention/heavy_key_stream.hpp"

#include "bindings.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kStreamDoc = R"(The heavy keys of a stream, exactly, in one pass and bounded memory.

At any time the kept keys are those of `select_heavy_keys` on all keys pushed so far.

Parameters
----------
key_cols : int
    Width d of the keys.
value_cols : int
    Width d_v of the values.
eps : float
    Keeps every key that can have a weight of eps, in (0, 1].
power : float
    Even power of the weights.

Raises
------
ValueError
    If an option is out of range.

Notes
-----
Scores only fall when keys are added, so a dropped key can never be heavy again [1]_. Memory: D^2 float64
and at most 2 D / eps keys with their values; D = d for power 2. A stream can be pickled.

References
----------
.. [1] R. Kannan, C. Bhattacharyya, P. Kacham and D. P. Woodruff, "LevAttention: time, space and streaming
   efficient algorithm for heavy attentions", ICLR 2025.

Examples
--------
>>> from loewner.attention import HeavyKeyStream
>>> stream = HeavyKeyStream(2, 1, eps=0.6)
>>> stream.push([[1.0, 0.0], [0.0, 2.0]], [[1.0], [2.0]])
>>> stream.push([[0.0, 2.0]], [[3.0]])
>>> stream.current().indices.tolist()
[0]
)";

constexpr const char* kPushDoc = R"(Append keys with their values.

Parameters
----------
keys : array_like of shape (b, d)
    The keys, computed with in float32.
values : array_like of shape (b, d_v)
    Their values.

Raises
------
ValueError
    If shapes do not fit or an entry is not finite.
)";

constexpr const char* kMergeDoc = R"(Append another stream, as if its keys had been pushed after these.

Parameters
----------
other : HeavyKeyStream
    A stream with the same widths and options.

Raises
------
ValueError
    If widths or options differ.
)";

constexpr const char* kCurrentDoc = R"(Find the kept keys.

Returns
-------
KeptKeys
    Indices, scores, keys and values.
)";

constexpr const char* kStreamAttendDoc = R"(Compute attention over the kept keys, with the denominators of all keys.

Parameters
----------
queries : array_like of shape (n_q, d)
    The queries.

Returns
-------
ndarray of shape (n_q, d_v), float32
    The output.

Raises
------
ValueError
    If the width does not fit or an entry is not finite.
)";

constexpr const char* kToBytesDoc = R"(Write the whole state.

Returns
-------
bytes
    The state, which `from_bytes` reads.
)";

constexpr const char* kFromBytesDoc = R"(Read a state that `to_bytes` wrote.

Parameters
----------
bytes : bytes
    The state.

Returns
-------
HeavyKeyStream
    A stream that continues as the other one would.

Raises
------
IoError
    If `to_bytes` does not write such bytes.
)";

nb::bytes stream_bytes(const HeavyKeyStream& stream) {
  const std::string bytes = stream.to_bytes();
  return nb::bytes(bytes.data(), bytes.size());
}

HeavyKeyStream stream_of(const nb::bytes& bytes) {
  return HeavyKeyStream::from_bytes({static_cast<const char*>(bytes.data()), bytes.size()});
}

void bind_kept(nb::module_& m) {
  using Kept = HeavyKeyStream::Kept;
  bind_result<Kept>(m, "KeptKeys", "The keys that a stream of heavy keys keeps.",
                    field("indices", &Kept::indices, "(m,) Positions of the keys in the stream, ascending."),
                    field("scores", &Kept::scores, "(m,) Scores of the keys."),
                    field("keys", &Kept::keys, "(m, d) The keys."),
                    field("values", &Kept::values, "(m, d_v) The values."),
                    field("rank", &Kept::rank, "Numerical rank of all keys, or of their symmetric powers."));
}

}  // namespace

void bind_heavy_key_stream(nb::module_& m) {
  bind_kept(m);
  const HeavyKeyStreamOptions defaults;
  nb::class_<HeavyKeyStream> type(m, "HeavyKeyStream", kStreamDoc);
  type.def(
          "__init__",
          [](HeavyKeyStream* self, Index key_cols, Index value_cols, double eps, double power) {
            new (self) HeavyKeyStream(key_cols, value_cols, {.power = power, .eps = eps});
          },
          "key_cols"_a, "value_cols"_a, nb::kw_only(), "eps"_a = defaults.eps, "power"_a = defaults.power)
      .def(
          "push",
          [](HeavyKeyStream& self, const ArrayLike& keys, const ArrayLike& values) {
            const auto k = dense<float>(keys, "keys"), v = dense<float>(values, "values");
            interruptible([&] { self.push(k.view(), v.view()); });
          },
          "keys"_a, "values"_a, kPushDoc)
      .def(
          "merge", [](HeavyKeyStream& self, const HeavyKeyStream& other) { interruptible([&] { self.merge(other); }); },
          "other"_a, kMergeDoc)
      .def_prop_ro("num_keys", &HeavyKeyStream::num_keys, "Number of keys pushed.")
      .def(
          "current", [](const HeavyKeyStream& self) { return interruptible([&] { return self.current(); }); },
          kCurrentDoc)
      .def(
          "attend",
          [](const HeavyKeyStream& self, const ArrayLike& queries) {
            const auto q = dense<float>(queries, "queries");
            return to_python(interruptible([&] { return self.attend(q.view()); }));
          },
          "queries"_a, kStreamAttendDoc)
      .def("to_bytes", &stream_bytes, kToBytesDoc)
      .def_static("from_bytes", &stream_of, "bytes"_a, kFromBytesDoc)
      .def("__getstate__", &stream_bytes)
      .def("__setstate__",
           [](HeavyKeyStream& self, const nb::bytes& state) { new (&self) HeavyKeyStream(stream_of(state)); });
  def_repr(type, {"num_keys"});
}

}  // namespace loewner::python
