# SPDX-License-Identifier: Apache-2.0
import torch
import transformers

transformers.utils.logging.disable_progress_bar()
torch.set_num_threads(1)  # the models are tiny: threads only wait for each other
