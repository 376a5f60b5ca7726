# SPDX-License-Identifier: Apache-2.0
"""`python -m loewner` is `loewner`."""

import sys

from loewner._command_line import main

sys.exit(main())
