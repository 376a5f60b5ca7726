// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "choice.hpp"
#include "loewner/regression/label_plan.hpp"

namespace loewner::python {

template <>
struct ChoiceWords<LabelImportance> {
  static constexpr auto text = nb::detail::const_name("'lewis', 'leverage', 'sensitivity', 'uniform'");
};

template <>
struct ChoiceWords<SamplingScheme> {
  static constexpr auto text = nb::detail::const_name("'pivotal', 'poisson'");
};

}  // namespace loewner::python
