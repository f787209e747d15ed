"""The closed forms of mixtures, as yardsticks for the grids that davy uses: they allow no change of the share."""

import math


def log_beta(a, b):
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def beta_above(x, a, b):
    """The share of a Beta distribution above x, by Simpson's rule on the log odds: far out it is nothing."""
    return _simpson(lambda u: _beta_density(u, a, b), math.log(x / (1 - x)), 60.0)


def _beta_density(u, a, b):
    """Of the log odds."""
    return math.exp(-a * math.log1p(math.exp(-u)) - b * math.log1p(math.exp(u)) - log_beta(a, b))


def gamma_above(x, shape):
    """The share of a Gamma distribution (rate 1) above x."""
    return _simpson(lambda u: math.exp(shape * u - math.exp(u) - math.lgamma(shape)), math.log(x), 6.5)


def _simpson(value, low, high, steps=20000):
    width = (high - low) / steps
    inner = sum((4 if i % 2 else 2) * value(low + i * width) for i in range(1, steps))
    return width / 3 * (value(low) + inner + value(high))


def log_beta_mixture(x, m, share, k):
    """Two-sided, for a constant share: the canary's probability is drawn from Beta(k*share, k*(1-share))."""
    a, b = k * share, k * (1 - share)
    return log_beta(a + x, b + m - x) - log_beta(a, b) - x * math.log(share) - (m - x) * math.log(1 - share)


def log_beta_mixture_above(x, m, share, k):
    """One-sided: the same, only probabilities above the share."""
    a, b = k * share, k * (1 - share)
    drawn = math.log(beta_above(share, a + x, b + m - x) / beta_above(share, a, b))
    return log_beta_mixture(x, m, share, k) + drawn


def log_gamma_mixture_above(x, expected, prior):
    """One Poisson process against `expected` events: its rate, a multiple above 1, from Gamma(prior, prior)."""
    whole = math.lgamma(x + prior) - math.lgamma(prior) + prior * math.log(prior)
    drawn = math.log(gamma_above(expected + prior, x + prior) / gamma_above(prior, prior))
    return whole + expected - (x + prior) * math.log(expected + prior) + drawn


def best_prior(expected, miss):
    """confseq's choice of a one-sided prior, narrowest after so many expected events."""
    doubled = 2 * math.log(1 / (2 * miss))
    return expected / (doubled + math.log1p(doubled))
