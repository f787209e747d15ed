"""The closed forms against independent programs, and the grids against the closed forms."""

import math

import pytest

from closed_forms import best_prior, log_beta_mixture, log_beta_mixture_above, log_gamma_mixture_above
from davy.checks.statistics.mixtures import Lot, Mixture, log_weighted

COUNTS = [(0, 7), (3, 10), (20, 77), (40, 1000), (30, 30)]


@pytest.mark.parametrize(("counts", "e"), [((3, 7), 1.2136715835648348), ((20, 57), 302.3938769712531)])
def test_two_sided_it_is_that_of_savvi(counts, e):
    """savvi 0.3.1, Multinomial(theta_0=[.1, .9], k=10)."""
    assert math.exp(log_beta_mixture(counts[0], sum(counts), 0.1, 10)) == pytest.approx(e, rel=1e-11)


@pytest.mark.parametrize(
    ("x", "m", "above", "both"),
    [(20, 77, 6.513896054613, 5.687769553476), (3, 10, 0.948093670692, 0.198626140032)],
)
def test_for_a_constant_share_it_is_that_of_confseq(x, m, above, both):
    """confseq 0.0.11, beta_binomial_log_mixture with v_opt=9, alpha_opt=.05 at a share of .1."""
    assert log_beta_mixture_above(x, m, 0.1, 14.80063490685) == pytest.approx(above, abs=1e-9)
    assert log_beta_mixture(x, m, 0.1, 11.60056097926) == pytest.approx(both, abs=1e-9)


@pytest.mark.parametrize(
    ("x", "expected", "log_e"), [(20, 10, 3.002865327287), (8, 4, 1.083236287845), (3, 1.5, 0.376999443794)]
)
def test_for_one_poisson_process_it_is_that_of_confseq(x, expected, log_e):
    """confseq 0.0.11, gamma_poisson_log_mixture with v_opt=10, c=1, alpha_opt=.05."""
    assert log_gamma_mixture_above(x, expected, best_prior(10, 0.05)) == pytest.approx(log_e, abs=1e-9)


def mixed(x, m, share, k, *, above=False):
    """The grid's likelihood ratios weighed by the Beta prior, evenly over the log of the ratio."""
    a, b = k * share, k * (1 - share)
    logs = [0.001 + 0.002 * i if above else 0.01 * i - 40 for i in range(8000)]
    terms = []
    for log in logs:
        odds = share / (1 - share) * math.exp(log)
        prior = a * math.log(odds) - (a + b) * math.log1p(odds)
        mixture = Mixture.against(1.0, (math.exp(log),)).seen(Lot(x, m, share))
        terms.append((prior, mixture.log_e()))
    most = max(prior for prior, _ in terms)
    whole = sum(math.exp(prior - most) for prior, _ in terms)
    return log_weighted((math.exp(prior - most) / whole, log) for prior, log in terms)


@pytest.mark.parametrize(("x", "m"), COUNTS)
def test_the_grid_drawn_from_a_beta_prior_is_the_closed_form(x, m):
    assert mixed(x, m, 0.1, 20.0) == pytest.approx(log_beta_mixture(x, m, 0.1, 20.0), abs=1e-9)


@pytest.mark.parametrize(("x", "m"), COUNTS)
def test_the_grid_of_ratios_above_one_is_the_one_sided_closed_form(x, m):
    assert mixed(x, m, 0.1, 10.0, above=True) == pytest.approx(log_beta_mixture_above(x, m, 0.1, 10.0), abs=1e-3)
