# SPDX-License-Identifier: Apache-2.0
import torch
from transformers.utils.logging import disable_progress_bar

disable_progress_bar()  # type: ignore[no-untyped-call]
torch.set_num_threads(1)  # the models are tiny: threads only wait for each other
