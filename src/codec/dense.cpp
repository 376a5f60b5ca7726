// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/dense.hpp"

#include "codec/spec_field.hpp"
#include "codec/stored_bytes.hpp"

namespace loewner {

Dense::Dense(std::shared_ptr<const RowSource> values, NumberFormat format)
    : values_(std::move(values)), format_(format) {}

std::unique_ptr<EncodedMatrix> Dense::from_tensors(const Json& spec, const ArrayLookup& arrays) {
  const NumberFormat format = detail::format_field(spec);
  const StoredArray weight = arrays("weight");
  detail::require_array(weight, dtype_of(format), detail::size_field(spec, "rows"), detail::size_field(spec, "cols"));
  return std::make_unique<Dense>(stored_rows(weight), format);
}

std::vector<StoredArray> Dense::to_tensors() const {
  return {stored_as("weight", values_, dtype_of(format_))};
}

Json Dense::spec_fields() const {
  return {{"format", to_string(format_)}};
}

}  // namespace loewner
