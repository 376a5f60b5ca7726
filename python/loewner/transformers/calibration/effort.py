# SPDX-License-Identifier: Apache-2.0
"""How many tokens give the sensitivities of tables (sensitivities.py)."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_OF_TABLES = 16  # tokens of a line of the package's text: each sequence gives one direction of a sentence vector
FULL_EFFORT = 1 << 27  # parameters of a model beside its tables; larger models see fewer tokens
LEAST_SHARE = 0.25  # of the tokens


@dataclass(frozen=True)
class EffortOfTables:
    """Tokens, and directions for each of them."""

    tokens: int  # of the text
    drawn: int  # of random sequences
    directions: int  # for each forward
    side_by_side: bool  # forwards on the threads, instead of one forward on all

    @staticmethod
    def beside_layers(has_text: bool) -> EffortOfTables:
        """Of a run that calibrates layers too. has_text: the user gives one."""
        return EffortOfTables(12288, 0, 2, False) if has_text else EffortOfTables(6144, 4096, 2, False)

    @staticmethod
    def alone(has_text: bool, parameters: int) -> EffortOfTables:
        """Of a run that encodes tables only, in seconds. parameters: of the model beside them."""
        if has_text:
            return EffortOfTables(12288, 0, 2, True)
        share = min(1.0, max(LEAST_SHARE, FULL_EFFORT / max(1, parameters)))
        return EffortOfTables(round(share * 2048), round(share * 1024), 6, True)
