"""
Regression in l_p norms and in the Huber loss, from all labels or from few.
"""

from collections.abc import Callable
import enum
from typing import Annotated

import numpy
from numpy.typing import NDArray

import loewner._core
import loewner.linalg


class ActiveRegression:
    @property
    def x(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """d x t"""

    @property
    def labeled_rows(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]:
        """ascending: each was asked for once"""

    @property
    def runs(self) -> list[int]:
        """the run that was chosen, by column"""

    @property
    def fits(self) -> list:
        """one PlannedFit per run"""

class LabelImportance(enum.Enum):
    """What makes a row worth a label."""

    lewis = 0
    """its Lewis weight: the choice for l_p regression"""

    leverage = 1
    """its leverage score: that of p = 2"""

    sensitivity = 2
    """loss_sensitivities: the choice for Huber regression"""

    uniform = 3
    """all alike"""

class LabelPlan:
    """The rows to label, and what they stand for."""

    @property
    def probabilities(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """that each row had"""

    @property
    def num_rows(self) -> int:
        """of the design"""

    @property
    def norm_exponent(self) -> float: ...

    @property
    def rows(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]:
        """ascending, each once"""

    @property
    def weights(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """1 / probabilities"""

    def to_csv(self) -> str:
        """The plan as text; from_csv gives it back."""

    @staticmethod
    def from_csv(text: str, name: str = 'label plan') -> LabelPlan:
        """
        Raises IoError, which names the line, on anything that to_csv does not write.
        """

class OnlineActiveRegression:
    """
    l_p regression on rows that arrive one after the other: whether a row gets a label is decided when it arrives.
    """

    def __init__(self, cols: int, budget: int, expected_rows: int, *, norm_exponent: float = 1.0, seed: int = 0) -> None: ...

    def offer(self, row: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> bool:
        """
        True when the row is to be labelled, by add_label before the next offer.
        """

    def add_label(self, label: float) -> None: ...

    def fit(self, *, tolerance: float = 1e-09) -> RobustRegression:
        """The regression on the labelled rows, each with weight 1 / probability."""

    @property
    def num_rows(self) -> int:
        """offered so far"""

    @property
    def labeled_rows(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...

    @property
    def probabilities(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]: ...

    @property
    def exhausted(self) -> bool:
        """a row that should have had a chance came after the budget was spent"""

class PlannedFit:
    """A regression on the rows of a plan alone."""

    @property
    def regression(self) -> RobustRegression:
        """its objectives estimate those of all rows"""

    @property
    def num_dropped(self) -> list[int]:
        """labels without weight in the second stage, by column"""

class RobustRegression:
    """Regressions on one design, one per column of b."""

    @property
    def x(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """d x t"""

    @property
    def objectives(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """t values, recomputed from x and a"""

    @property
    def lower_bounds(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """t values: no x has a smaller objective"""

    @property
    def statuses(self) -> list[loewner._core.Status]:
        """t values"""

    @property
    def rank(self) -> int:
        """numerical rank of the rows with weight"""

    @property
    def iterations(self) -> int:
        """the most that a column took"""

    @property
    def converged(self) -> bool:
        """all columns did"""

class SamplingScheme(enum.Enum):
    """How rows are drawn."""

    pivotal = 0
    """as many labels as the budget, spread over the rows' space"""

    poisson = 1
    """each row by itself: the number of labels varies"""

class ShrunkRegression:
    """A correction fitted to some rows of a known design."""

    @property
    def x(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """k x t; 0 where no fit would help"""

    @property
    def shrinkage(self) -> float:
        """lambda; infinity where x = 0"""

    @property
    def estimated_ratio(self) -> float:
        """of what x leaves of all rows, drawn or not, to what x = 0 leaves"""

def active_lp_regression(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | loewner.linalg.SparseRows, labels: Callable, budget: int, *, norm_exponent: float = 1.0, importance: LabelImportance = LabelImportance.lewis, scheme: SamplingScheme = SamplingScheme.pivotal, seed: int = 0, runs: int = 1, tolerance: float = 1e-09, unfittable_share: float = 0.0) -> ActiveRegression:
    """
    l_p regression from few labels.

    labels: a function that is called once, with the ascending numbers of all rows to label, and returns one label or
    one row of labels for each; what it raises comes through. runs: odd; the budget is shared by so many independent
    plans, and the solution in their middle is taken, which needs no further labels.
    """

def fit_plan(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | loewner.linalg.SparseRows, plan: LabelPlan, labels: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], *, tolerance: float = 1e-09, unfittable_share: float = 0.0) -> PlannedFit:
    """
    l_p regression on the rows of the plan, each with weight 1 / probability.

    labels: one row for each of plan.rows, t columns or none; unfittable_share: epsilon > 0 for a second stage
    without the labels that no good fit can meet.
    """

def huber_regression(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | loewner.linalg.SparseRows, b: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], scale: float, *, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, tolerance: float = 1e-09, max_iterations: int = 500) -> RobustRegression:
    """
    min over x of sum_i u_i rho(a_i^T x - b_ij) for every column j of b, rho the Huber loss: r^2/2 for |r| <= scale,
    scale (|r| - scale/2) beyond.
    """

def label_budget(rows: int, cols: int, norm_exponent: float, epsilon: float) -> int:
    """
    Labels for an objective within 1 + epsilon of the least one, as a rule of thumb.
    """

def loss_sensitivities(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | loewner.linalg.SparseRows, growth_exponent: float, *, seed: int = 0) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
    """
    For each row about how large its share of sum_k M(a_k^T x) can be at any x, for every loss M that increases with
    |r| and grows at most like |r|^growth_exponent.
    """

def lp_regression(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | loewner.linalg.SparseRows, b: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], *, norm_exponent: float = 1.0, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, tolerance: float = 1e-09, max_iterations: int = 500) -> RobustRegression:
    """
    min over x of (sum_i u_i |a_i^T x - b_ij|^p)^(1/p) for every column j of b, with a lower bound of each minimum; for
    p = infinity max_i u_i |a_i^T x - b_ij|.

    a: n x d; b: n x t or n values; norm_exponent: p >= 1, math.inf too; row_weights: u, n values >= 0, all ones if None;
    tolerance: of the duality gap, relative to the objective. The same bits for any number of threads.
    """

def plan_labels(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | loewner.linalg.SparseRows, budget: int, *, norm_exponent: float = 1.0, importance: LabelImportance = LabelImportance.lewis, scheme: SamplingScheme = SamplingScheme.pivotal, seed: int = 0) -> LabelPlan:
    """
    Chooses rows whose labels suffice for min over x of ||a x - b||_p, row i with probability
    min(1, c importance_i), the c that meets the budget.
    """

def shrunk_regression(a: Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], b: Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], metric: Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], *, norm_exponent: float = 2.0, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, probabilities: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, folds: int = 5, seed: int = 0) -> ShrunkRegression:
    """
    min over x of sum_i (u_i / q_i) |a_i^T x - b_i|^p + lambda |L x|^p, L^T L = metric, with the lambda that leaves
    least on all rows of the design, of which row i was drawn with probability q_i.

    a: m x k; b: m x t, what is left to correct; metric: k x k, of the whole design: Q of lewis_weights.
    """

__all__: list = ['ActiveRegression', 'LabelImportance', 'LabelPlan', 'OnlineActiveRegression', 'PlannedFit', 'RobustRegression', 'SamplingScheme', 'ShrunkRegression', 'active_lp_regression', 'fit_plan', 'huber_regression', 'label_budget', 'loss_sensitivities', 'lp_regression', 'plan_labels', 'shrunk_regression']
