"""Makes diebold-mariano-golden.json, for tests/unit/domain/diebold-mariano.test.ts.

usage: python diebold-mariano-golden.py diebold-mariano-golden.json     (pip install numpy scipy)

The tail of the statistic with the variance over all lags is taken here by another road than in the program: the normal
tail integrated against scipy's limit law of the Cramer-von Mises statistic.
"""

import json
import sys

import numpy as np
from scipy.integrate import quad
from scipy.stats import norm, t
from scipy.stats._hypotests import _cdf_cvm_inf


def all_lags_tail(x):
    """P(Z / sqrt(2 Q) > x): E g(Q) = g(0) + integral of g'(q) (1 - F(q)), with q = u * u."""
    slope = lambda u: -norm.pdf(x * np.sqrt(2) * u) * x * np.sqrt(2)
    value, _ = quad(lambda u: slope(u) * (1 - _cdf_cvm_inf(u * u)), 1e-4, 2.2, epsabs=1e-12, limit=400)
    start, _ = quad(slope, 0, 1e-4)
    return 0.5 + value + start


def autocovariance(d, k):
    c = d - d.mean()
    return float((c[k:] * c[: len(c) - k]).sum() / len(d))


def diebold_mariano(d, lag):
    n, h = len(d), lag + 1
    variance = lambda m: autocovariance(d, 0) + 2 * sum((1 - k / (m + 1)) * autocovariance(d, k) for k in range(1, m + 1))
    correction = np.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    statistic = correction * d.mean() / np.sqrt(variance(lag) / n)
    everywhere = correction * d.mean() / np.sqrt(variance(n - 1) / n)
    p_all = all_lags_tail(-everywhere) if everywhere < 0 else 1 - all_lags_tail(everywhere)
    return {"statistic": statistic, "pStudent": float(t.cdf(statistic, n - 1)), "pAllLags": p_all}


rng = np.random.default_rng(42)
cases = []
for n, lag, shift in [(30, 0, -0.2), (60, 3, 0.1), (240, 23, -0.15), (120, 23, -0.4), (52, 23, -0.6), (720, 23, 0.0)]:
    shocks = rng.standard_normal(n + lag)
    d = np.convolve(shocks, np.ones(lag + 1) / np.sqrt(lag + 1), "valid") + shift
    d = np.round(d, 6)
    cases.append({"lag": lag, "differences": d.tolist(), **diebold_mariano(d, lag)})
tails = [{"t": x, "degrees": v, "tail": float(t.sf(x, v))} for x in (-3.2, -0.5, 0, 0.7, 1.645, 4, 12) for v in (1, 2.5, 23, 239)]
json.dump({"cases": cases, "tails": tails}, open(sys.argv[1], "w"))
