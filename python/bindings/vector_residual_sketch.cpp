// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/vector_residual_sketch.hpp"

#include "bindings.hpp"
#include "interruptible.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kVectorSketchDoc = R"(A sketch of a long vector x that estimates ||x - x_k||_p for p > 2.

x_k is the best k-sparse approximation. x arrives as changes of its entries, at several places or with
both signs. If x fits into memory, sort it instead.

Parameters
----------
size : int
    Length of x.
max_terms : int
    The largest k, >= 1.
norm_exponent : float
    p > 2, finite.
seed : int
    Seed of the sketch.

Raises
------
ValueError
    If an option is out of range.

Notes
-----
CountSketch for the k largest entries [1]_, and max-stability for the rest [2]_. Estimates are within a
factor of 1.5. Cost: 262 additions per update.

References
----------
.. [1] M. Charikar, K. Chen and M. Farach-Colton, "Finding frequent items in data streams", ICALP 2002.
.. [2] A. Andoni, "High frequency moments via max-stability", ICASSP 2017.

Examples
--------
>>> from loewner.sketch import VectorResidualSketch
>>> sketch = VectorResidualSketch(500, 1, norm_exponent=3)
>>> for i in range(500):
...     sketch.update(i, 100.0 if i == 7 else 1.0)
>>> 0.5 < sketch.estimate(1) / 499 ** (1 / 3) < 2
True
)";

constexpr const char* kUpdateDoc = R"(Add a number to an entry.

Parameters
----------
i : int
    Index of the entry.
change : float
    The number to add.

Raises
------
ValueError
    If the index is out of range or the number is not finite.
)";

constexpr const char* kMergeDoc = R"(Add the vector of another sketch.

Parameters
----------
other : VectorResidualSketch
    A sketch with the same length and options.

Raises
------
ValueError
    If lengths or options differ.
)";

constexpr const char* kVectorEstimateDoc = R"(Estimate ||x - x_k||_p.

Parameters
----------
num_terms : int
    k, in [0, max_terms].

Returns
-------
float
    The estimate.

Raises
------
ValueError
    If k is out of range.
)";

}  // namespace

void bind_vector_residual_sketch(nb::module_& m) {
  const VectorResidualOptions defaults;
  nb::class_<VectorResidualSketch> type(m, "VectorResidualSketch", kVectorSketchDoc);
  type.def(
          "__init__",
          [](VectorResidualSketch* self, Index size, Index max_terms, double norm_exponent, std::uint64_t seed) {
            new (self) VectorResidualSketch(size, {max_terms, norm_exponent, seed});
          },
          "size"_a, "max_terms"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent, "seed"_a = defaults.seed)
      .def_prop_ro("size", &VectorResidualSketch::size, "Length of x.")
      .def("update", &VectorResidualSketch::update, "i"_a, "change"_a, kUpdateDoc)
      .def("merge", &VectorResidualSketch::merge, "other"_a, kMergeDoc)
      .def(
          "estimate",
          [](const VectorResidualSketch& s, Index num_terms) {
            return interruptible([&] { return s.estimate(num_terms); });
          },
          "num_terms"_a, kVectorEstimateDoc);
  def_repr(type, {"size"});
}

}  // namespace loewner::python
