"""
Regression in l_p norms and in the Huber loss, from all labels or from few.

`lp_regression` and `huber_regression` use all labels, and prove how close they are to the optimum. If labels are
expensive, `plan_labels` chooses the rows to label and `fit_plan` solves the regression on them;
`active_lp_regression` does both, and `OnlineActiveRegression` does so on a stream.
"""

from collections.abc import Callable
import enum
from typing import Annotated, Literal

import numpy
import numpy.typing
from numpy.typing import NDArray

import loewner._core
import loewner.typing


class ActiveRegression:
    """
    A regression from few labels.

    Attributes
    ----------
    x : ndarray of shape (d, t)
        The solution.
    labeled_rows : ndarray of shape (m,)
        Rows that were labeled, ascending.
    runs : ndarray of shape (t,)
        The run that was chosen, by column.
    fits : list[loewner.regression.PlannedFit]
        One PlannedFit per run.
    """

    @property
    def x(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """(d, t) The solution."""

    @property
    def labeled_rows(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]:
        """(m,) Rows that were labeled, ascending."""

    @property
    def runs(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]:
        """(t,) The run that was chosen, by column."""

    @property
    def fits(self) -> list[PlannedFit]:
        """One PlannedFit per run."""

    def __repr__(self) -> str: ...

class LabelImportance(enum.StrEnum):
    """
    The importance of a row, to which `plan_labels` makes its probability proportional.
    """

    lewis = 'lewis'
    """Its Lewis weight: for l_p regression."""

    leverage = 'leverage'
    """Its leverage score, which is its Lewis weight for p = 2."""

    sensitivity = 'sensitivity'
    """Its share of the loss by `loss_sensitivities`: for Huber regression."""

    uniform = 'uniform'
    """The same for all rows: fails if few rows determine the solution."""

class LabelPlan:
    """
    The rows to label, with their probabilities.

    Attributes
    ----------
    num_rows : int
        Number of rows of the design.
    norm_exponent : float
        p.
    rows : ndarray of shape (m,)
        Rows to label, ascending, each once.
    probabilities : ndarray of shape (m,)
        Probability of each of these rows.
    weights : ndarray of shape (m,)
        1 / probabilities.
    """

    @property
    def num_rows(self) -> int:
        """Number of rows of the design."""

    @property
    def norm_exponent(self) -> float:
        """p."""

    @property
    def rows(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]:
        """(m,) Rows to label, ascending, each once."""

    @property
    def probabilities(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(m,) Probability of each of these rows."""

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

    @property
    def weights(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(m,) 1 / probabilities."""

    def to_csv(self) -> str:
        """
        Write the plan as text.

        Returns
        -------
        str
            A comment with n and p, then lines "row,probability".
        """

    @staticmethod
    def from_csv(text: str, name: str = 'label plan') -> LabelPlan:
        """
        Read a plan from the text of `to_csv`.

        Parameters
        ----------
        text : str
            The text.
        name : str
            Name of the file for error messages.

        Returns
        -------
        LabelPlan
            The same plan.

        Raises
        ------
        IoError
            If `to_csv` does not write such a text; the message names the line.
        """

class OnlineActiveRegression:
    """
    Regression in an l_p norm on a stream of rows, which asks for the label of a row when the row arrives.

    Parameters
    ----------
    cols : int
        Width of the rows.
    budget : int
        Largest number of labels, >= 1.
    expected_rows : int
        Expected length of the stream, over which the budget is spread.
    norm_exponent : float
        p >= 1, finite.
    seed : int
        Seed of the draws.

    Raises
    ------
    ValueError
        If an option is out of range.

    Notes
    -----
    A row is labeled with a probability in proportion to its online Lewis weight, that among the rows before
    it [1]_. Cost: O(d^2) per row. On longer streams the budget may end early, which `exhausted` says.

    References
    ----------
    .. [1] C. Chen, Y. Li and Y. Sun, "Online active regression", ICML 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.regression import OnlineActiveRegression
    >>> online = OnlineActiveRegression(2, 50, 200)
    >>> for row in np.random.default_rng(0).standard_normal((200, 2)):
    ...     if online.offer(row):
    ...         online.add_label(row @ [1.0, 2.0])
    >>> online.fit().x.round(6).ravel()
    array([1., 2.])


    Attributes
    ----------
    num_rows : int
        Number of rows offered.
    labeled_rows : ndarray of shape (m,)
        Rows that were labeled, ascending.
    probabilities : ndarray of shape (m,)
        Probability of each labeled row.
    exhausted : bool
        Whether a row with positive probability came after the budget was spent.
    """

    def __init__(self, cols: int, budget: int, expected_rows: int, *, norm_exponent: float = 1.0, seed: int = 0) -> None: ...

    def offer(self, row: numpy.typing.ArrayLike) -> bool:
        """
        Offer the next row.

        Parameters
        ----------
        row : array_like of shape (cols,)
            The row.

        Returns
        -------
        bool
            Whether the row is to be labeled, by `add_label` before the next offer.

        Raises
        ------
        ValueError
            If the row has another width or an entry that is not finite, or a label is missing.
        """

    def add_label(self, label: float) -> None:
        """
        Give the label of the row that was offered last.

        Parameters
        ----------
        label : float
            The label.

        Raises
        ------
        ValueError
            If no row waits for a label or the label is not finite.
        """

    def fit(self, *, tolerance: float = 1e-09) -> RobustRegression:
        """
        Solve the regression on the labeled rows, each with weight 1 / probability.

        Parameters
        ----------
        tolerance : float
            As in `lp_regression`.

        Returns
        -------
        RobustRegression
            The solution, objective and lower bound.

        Raises
        ------
        ValueError
            If no row was labeled.
        """

    @property
    def num_rows(self) -> int:
        """Number of rows offered."""

    @property
    def labeled_rows(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]:
        """(m,) Rows that were labeled, ascending."""

    @property
    def probabilities(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(m,) Probability of each labeled row."""

    @property
    def exhausted(self) -> bool:
        """
        Whether a row with positive probability came after the budget was spent.
        """

    def __repr__(self) -> str: ...

class PlannedFit:
    """
    A regression on the labeled rows of a plan.

    Attributes
    ----------
    regression : loewner.regression.RobustRegression
        The regression; its objectives estimate those of all rows.
    num_dropped : ndarray of shape (t,)
        Labels that the second stage dropped, by column.
    """

    @property
    def regression(self) -> RobustRegression:
        """The regression; its objectives estimate those of all rows."""

    @property
    def num_dropped(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]:
        """(t,) Labels that the second stage dropped, by column."""

    def __repr__(self) -> str: ...

class RobustRegression:
    """
    Regressions on one design, one per column of b.

    Attributes
    ----------
    x : ndarray of shape (d, t)
        The solutions.
    objectives : ndarray of shape (t,)
        Objectives, recomputed from x and a.
    lower_bounds : ndarray of shape (t,)
        No x has a smaller objective.
    statuses : list[Status]
        How each column ended.
    rank : int
        Numerical rank of the rows with weight.
    iterations : int
        Largest number of iterations of a column.
    converged : bool
        Whether all columns converged.
    """

    @property
    def x(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """(d, t) The solutions."""

    @property
    def objectives(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(t,) Objectives, recomputed from x and a."""

    @property
    def lower_bounds(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(t,) No x has a smaller objective."""

    @property
    def statuses(self) -> list[loewner._core.Status]:
        """How each column ended."""

    @property
    def rank(self) -> int:
        """Numerical rank of the rows with weight."""

    @property
    def iterations(self) -> int:
        """Largest number of iterations of a column."""

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

    @property
    def converged(self) -> bool:
        """Whether all columns converged."""

class SamplingScheme(enum.StrEnum):
    """How `plan_labels` draws rows."""

    pivotal = 'pivotal'
    """Exactly as many labels as the budget, spread over the rows' space."""

    poisson = 'poisson'
    """Each row independently: the number of labels varies."""

class ShrunkRegression:
    """
    A correction that was fitted to some rows of a known design.

    Attributes
    ----------
    x : ndarray of shape (k, t)
        The correction; 0 if no fit would help.
    shrinkage : float
        lambda; infinity if x = 0.
    estimated_ratio : float
        Error of x over error of x = 0, on all rows of the design, estimated.
    """

    @property
    def x(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """(k, t) The correction; 0 if no fit would help."""

    @property
    def shrinkage(self) -> float:
        """lambda; infinity if x = 0."""

    @property
    def estimated_ratio(self) -> float:
        """Error of x over error of x = 0, on all rows of the design, estimated."""

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

def active_lp_regression(a: loewner.typing.MatrixLike, labels: Callable, budget: int, *, norm_exponent: float = 1.0, importance: Literal['lewis', 'leverage', 'sensitivity', 'uniform'] | LabelImportance = 'lewis', scheme: Literal['pivotal', 'poisson'] | SamplingScheme = 'pivotal', seed: int = 0, runs: int = 1, tolerance: float = 1e-09, unfittable_share: float = 0.0) -> ActiveRegression:
    """
    Solve an l_p regression from few labels, which a function looks up.

    Parameters
    ----------
    a : array_like or sparse matrix of shape (n, d)
        The design, of any rank.
    labels : callable
        Called once with the row numbers to label, ascending; returns one label or one row of labels for each.
        Its exceptions pass unchanged.
    budget : int
        Number of labels of all runs together.
    norm_exponent : float
        p >= 1, finite.
    importance : {'lewis', 'leverage', 'sensitivity', 'uniform'}
        As in `plan_labels`.
    scheme : {'pivotal', 'poisson'}
        As in `plan_labels`.
    seed : int
        Seed of the draws.
    runs : int
        Odd number of independent plans that share the budget. The solution in their middle is returned.
    tolerance : float
        As in `lp_regression`.
    unfittable_share : float
        As in `fit_plan`.

    Returns
    -------
    ActiveRegression
        The solution, the labeled rows and the fits of all runs.

    Raises
    ------
    ValueError
        As in `plan_labels` and `fit_plan`, and if `runs` is even or exceeds the budget.

    Notes
    -----
    Samples rows as `plan_labels` [1]_ and solves as `fit_plan`. Of several runs, the one with the least
    median distance ||A (x_i - x_k)||_p to the others is chosen, which needs no labels [2]_. The same bits for
    any number of threads.

    References
    ----------
    .. [1] C. Musco, C. Musco, D. P. Woodruff and T. Yasuda, "Active linear regression for l_p norms and
       beyond", FOCS 2022.
    .. [2] D. Hsu and S. Sabato, "Loss minimization and parameter estimation with heavy tails", Journal of
       Machine Learning Research 17, 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.regression import active_lp_regression
    >>> a = np.random.default_rng(0).standard_normal((1000, 3))
    >>> b = a @ [1.0, 2.0, 3.0]
    >>> found = active_lp_regression(a, lambda rows: b[rows], 30)
    >>> found.x.round(6).ravel(), len(found.labeled_rows)
    (array([1., 2., 3.]), 30)
    """

def fit_plan(a: loewner.typing.MatrixLike, plan: LabelPlan, labels: numpy.typing.ArrayLike, *, tolerance: float = 1e-09, unfittable_share: float = 0.0) -> PlannedFit:
    """
    Solve an l_p regression from the labels of a plan.

    Minimizes (sum |a_i^T x - b_i|^p / probability_i)^(1/p) over the rows of the plan.

    Parameters
    ----------
    a : array_like or sparse matrix of shape (n, d)
        The design of the plan.
    plan : LabelPlan
        The labeled rows.
    labels : array_like of shape (m,) or (m, t)
        Labels of plan.rows, in their order.
    tolerance : float
        As in `lp_regression`.
    unfittable_share : float
        epsilon > 0 for a second stage without the labels that no good fit can meet; 0 keeps all labels.

    Returns
    -------
    PlannedFit
        The regression and the number of dropped labels.

    Raises
    ------
    ValueError
        If the plan is not one of `a`, the number of labels differs from the plan's, or a label is not finite
        (the message names its row of `a`).

    Notes
    -----
    Dropping labels [1]_ lowers the variance for p > 2 and changes the objective.

    References
    ----------
    .. [1] C. Musco, C. Musco, D. P. Woodruff and T. Yasuda, "Active linear regression for l_p norms and
       beyond", FOCS 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.regression import fit_plan, plan_labels
    >>> a = np.random.default_rng(0).standard_normal((1000, 3))
    >>> plan = plan_labels(a, 30)
    >>> fit_plan(a, plan, a[plan.rows] @ [1.0, 2.0, 3.0]).regression.x.round(6).ravel()
    array([1., 2., 3.])
    """

def huber_regression(a: loewner.typing.MatrixLike, b: numpy.typing.ArrayLike, scale: float, *, row_weights: numpy.typing.ArrayLike | None = None, tolerance: float = 1e-09, max_iterations: int = 500) -> RobustRegression:
    """
    Solve Huber regressions with one design: min_x sum_i u_i rho(a_i^T x - b_i).

    rho(r) = r^2/2 for |r| <= scale, scale (|r| - scale/2) beyond. Each column of b is one regression.

    Parameters
    ----------
    a : array_like or sparse matrix of shape (n, d)
        The design, of any rank.
    b : array_like of shape (n,) or (n, t)
        The targets.
    scale : float
        Size of a residual from which the loss is linear, > 0; in the units of b.
    row_weights : array_like of shape (n,), optional
        Weights u_i >= 0 of the rows; all ones if None.
    tolerance : float
        Duality gap relative to the objective.
    max_iterations : int
        Limit per column of b.

    Returns
    -------
    RobustRegression
        Solutions, objectives and lower bounds that prove them.

    Raises
    ------
    ValueError
        As in `lp_regression`, and if `scale` is not positive and finite.

    Notes
    -----
    The loss of [1]_, by Newton steps with line search [2]_. Cost and accuracy are those of `lp_regression`
    for p = 2.

    References
    ----------
    .. [1] P. J. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35,
       1964.
    .. [2] K. Madsen and H. B. Nielsen, "Finite algorithms for robust linear regression", BIT 30, 1990.

    Examples
    --------
    >>> from loewner.regression import huber_regression
    >>> huber_regression([[1.0], [1.0], [1.0]], [1.0, 2.0, 30.0], 1.0).x.round(3)
    array([[2.]])
    """

def label_budget(rows: int, cols: int, norm_exponent: float, epsilon: float) -> int:
    """
    Estimate how many labels a regression needs, as a rule of thumb.

    Parameters
    ----------
    rows, cols : int
        Shape of the design.
    norm_exponent : float
        p >= 1, finite.
    epsilon : float
        Wanted excess of the objective over the least one, relative.

    Returns
    -------
    int
        The budget for `plan_labels`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    4 d log2(d + 1) + 2 d / epsilon for p <= 2, 4 d^(p/2) log2(d + 1) for p > 2, at most n: the rates of
    [1]_ with constants from experiments.

    References
    ----------
    .. [1] C. Musco, C. Musco, D. P. Woodruff and T. Yasuda, "Active linear regression for l_p norms and
       beyond", FOCS 2022.

    Examples
    --------
    >>> from loewner.regression import label_budget
    >>> label_budget(10000, 10, 1.0, 0.1)
    339
    """

def loss_sensitivities(a: loewner.typing.MatrixLike, growth_exponent: float, *, seed: int = 0) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
    """
    Bound each row's share of a loss, for all losses of limited growth.

    For row i about the largest M(a_i^T x) / sum_k M(a_k^T x) at any x, for every loss M that increases with
    |r| and grows at most like |r|^growth_exponent.

    Parameters
    ----------
    a : array_like or sparse matrix of shape (n, d)
        The design.
    growth_exponent : float
        p >= 1, finite; 2 for the losses of Huber and Tukey.
    seed : int
        Seed of the hashing.

    Returns
    -------
    ndarray of shape (n,), float64
        Values in (0, 1], 0 for rows of zeros.

    Raises
    ------
    ValueError
        If the exponent is out of range or an entry is not finite (the message names its row and column).

    Notes
    -----
    Rows are hashed into buckets, where Lewis weights find the rows with a large share [1]_. The constants are
    tested, not proved. Cost: 4 log2(n) times that of Lewis weights.

    References
    ----------
    .. [1] C. Musco, C. Musco, D. P. Woodruff and T. Yasuda, "Active linear regression for l_p norms and
       beyond", FOCS 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.regression import loss_sensitivities
    >>> a = np.zeros((50, 2))
    >>> a[:49, 0], a[49, 1] = 1, 1
    >>> bool(loss_sensitivities(a, 2)[49] == 1)
    True
    """

def lp_regression(a: loewner.typing.MatrixLike, b: numpy.typing.ArrayLike, *, norm_exponent: float = 1.0, row_weights: numpy.typing.ArrayLike | None = None, tolerance: float = 1e-09, max_iterations: int = 500) -> RobustRegression:
    """
    Solve l_p regressions with one design: min_x (sum_i u_i |a_i^T x - b_i|^p)^(1/p).

    For p = infinity the objective is max_i u_i |a_i^T x - b_i|. Each column of b is one regression.

    Parameters
    ----------
    a : array_like or sparse matrix of shape (n, d)
        The design, of any rank.
    b : array_like of shape (n,) or (n, t)
        The targets.
    norm_exponent : float
        p in [1, infinity].
    row_weights : array_like of shape (n,), optional
        Weights u_i >= 0 of the rows; all ones if None.
    tolerance : float
        Duality gap relative to the objective.
    max_iterations : int
        Limit per column of b.

    Returns
    -------
    RobustRegression
        Solutions, objectives and lower bounds that prove them.

    Raises
    ------
    ValueError
        If an option is out of range, a weight is negative, `b` has another number of rows, or an entry is
        not finite (the message names its row and column).

    Notes
    -----
    Newton steps with line search for 1 < p < infinity; an interior point method [1]_ and exchanges of rows
    [2]_ for p = 1; exchanges of a reference [3]_ for p = infinity. p = 1 and infinity end at a vertex, optimal
    to rounding. Cost: 5 n d^2 flops for the design, and 10 to 30 steps of n d^2 flops per column. Results
    have the same bits for any number of threads.

    References
    ----------
    .. [1] S. Portnoy and R. Koenker, "The Gaussian hare and the Laplacian tortoise: computability of
       squared-error versus absolute-error estimators", Statistical Science 12, 1997.
    .. [2] I. Barrodale and F. D. K. Roberts, "An improved algorithm for discrete l_1 linear approximation",
       SIAM Journal on Numerical Analysis 10, 1973.
    .. [3] E. Stiefel, "Ueber diskrete und lineare Tschebyscheff-Approximationen", Numerische Mathematik 1,
       1959.

    Examples
    --------
    >>> from loewner.regression import lp_regression
    >>> lp_regression([[1.0], [1.0], [1.0]], [1.0, 2.0, 30.0], norm_exponent=1).x
    array([[2.]])
    """

def plan_labels(a: loewner.typing.MatrixLike, budget: int, *, norm_exponent: float = 1.0, importance: Literal['lewis', 'leverage', 'sensitivity', 'uniform'] | LabelImportance = 'lewis', scheme: Literal['pivotal', 'poisson'] | SamplingScheme = 'pivotal', seed: int = 0) -> LabelPlan:
    """
    Choose the rows of a design to label for min_x ||A x - b||_p.

    Row i is chosen with probability min(1, c importance_i), with the c that meets the budget.

    Parameters
    ----------
    a : array_like or sparse matrix of shape (n, d)
        The design, of any rank.
    budget : int
        Number of labels, >= 1.
    norm_exponent : float
        p >= 1, finite.
    importance : {'lewis', 'leverage', 'sensitivity', 'uniform'}
        'lewis' suits l_p regression, 'leverage' is that of p = 2, 'sensitivity' suits Huber regression.
    scheme : {'pivotal', 'poisson'}
        'pivotal' chooses exactly `budget` rows, spread over the rows' space; 'poisson' draws each row
        independently.
    seed : int
        Seed of the draws.

    Returns
    -------
    LabelPlan
        The rows and their probabilities.

    Raises
    ------
    ValueError
        If an option is out of range or an entry is not finite (the message names its row and column).

    Notes
    -----
    Lewis weight sampling [1]_ [2]_, with pivotal sampling on a tree of medians [3]_. For p < 2, about
    d / epsilon labels give an objective within 1 + epsilon of the least one. The same plan for any number of
    threads.

    References
    ----------
    .. [1] M. B. Cohen and R. Peng, "l_p row sampling by Lewis weights", STOC 2015.
    .. [2] C. Musco, C. Musco, D. P. Woodruff and T. Yasuda, "Active linear regression for l_p norms and
       beyond", FOCS 2022.
    .. [3] A. Shimizu, X. Cheng, C. Musco and J. Weare, "Improved active learning via dependent leverage
       score sampling", ICLR 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.regression import fit_plan, plan_labels
    >>> a = np.random.default_rng(0).standard_normal((1000, 3))
    >>> plan = plan_labels(a, 30)
    >>> labels = a[plan.rows] @ [1.0, 2.0, 3.0]
    >>> fit_plan(a, plan, labels).regression.x.round(6).ravel()
    array([1., 2., 3.])
    """

def shrunk_regression(a: numpy.typing.ArrayLike, b: numpy.typing.ArrayLike, metric: numpy.typing.ArrayLike, *, norm_exponent: float = 2.0, row_weights: numpy.typing.ArrayLike | None = None, probabilities: numpy.typing.ArrayLike | None = None, folds: int = 5, seed: int = 0) -> ShrunkRegression:
    """
    Fit a correction to some rows of a known design, shrunk so that it helps on all rows.

    Solves min_x sum_i (u_i / q_i) |a_i^T x - b_i|^p + lambda |L x|^p with L^T L = metric. lambda has the
    least estimated error on all rows of the design, of which row i was drawn with probability q_i.

    Parameters
    ----------
    a : array_like of shape (m, k)
        The drawn rows of the design.
    b : array_like of shape (m,) or (m, t)
        The residuals to correct.
    metric : array_like of shape (k, k)
        Symmetric positive semidefinite: the weighted Gram matrix of the whole design for p = 2, `q` of
        `loewner.norms.lewis_weights` for any p.
    norm_exponent : float
        p >= 1, finite.
    row_weights : array_like of shape (m,), optional
        Weights u_i >= 0 of the rows; all ones if None.
    probabilities : array_like of shape (m,), optional
        Probabilities q_i in (0, 1] of the rows; all ones if None.
    folds : int
        Parts that are left out in turn, >= 2.
    seed : int
        Seed of the parts.

    Returns
    -------
    ShrunkRegression
        The correction, lambda and the estimated ratio of errors.

    Raises
    ------
    ValueError
        If an option is out of range, shapes do not fit, or an entry is not finite.

    Notes
    -----
    Shrinkage as in ridge regression [1]_, but in the given metric. lambda is chosen from a grid of half
    decades by cross-validation [1]_ on at most 16 columns of b. Cost: about 66 regressions of m + k rows, and
    one on all columns. Results have the same bits for any number of threads.

    References
    ----------
    .. [1] T. Hastie, R. Tibshirani and J. Friedman, "The elements of statistical learning", 2nd edition,
       Springer, 2009, sections 3.4 and 7.10.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.regression import shrunk_regression
    >>> rng = np.random.default_rng(0)
    >>> a, noise = rng.standard_normal((60, 2)), rng.standard_normal((60, 1))
    >>> fit = shrunk_regression(a, a @ [[1.0], [2.0]] + 0.01 * noise, a.T @ a)
    >>> fit.x.round(1).ravel(), fit.estimated_ratio < 0.01
    (array([1., 2.]), True)
    """

__all__: list = ['ActiveRegression', 'LabelImportance', 'LabelPlan', 'OnlineActiveRegression', 'PlannedFit', 'RobustRegression', 'SamplingScheme', 'ShrunkRegression', 'active_lp_regression', 'fit_plan', 'huber_regression', 'label_budget', 'loss_sensitivities', 'lp_regression', 'plan_labels', 'shrunk_regression']
