"""Makes prophet-golden.json: Python Prophet's curves, for tests/unit/forecasting/prophet-engine.test.ts.

usage: python prophet-golden.py OHLCV_DIR prophet-golden.json     (pip install prophet pandas numpy)

Stan's optimiser stops at a place that hangs on the last digits of its input (the prior on changepoints has a kink), so
Python Prophet does not agree with itself on many series of prices. `selfSpread` says by how much: the largest relative
move of its curve when the values are changed in the eleventh digit.
"""

import json
import logging
import sys

import numpy as np
import pandas as pd
import prophet

logging.getLogger("cmdstanpy").disabled = True
STEPS = 24
REAL = [("BTC_USDT", "1h", 300, "price"), ("BTC_USDT", "1h", 300, "log"), ("ETH_USDT", "1d", 250, "log"), ("XRP_USDT", "1w", 170, "log")]
SEASONAL = [("1h", 3_600_000, 400), ("1d", 86_400_000, 200)]


def curve(times, values, future):
    model = prophet.Prophet(uncertainty_samples=0)
    model.fit(pd.DataFrame({"ds": pd.to_datetime(times, unit="ms"), "y": values}))
    yhat = model.predict(pd.DataFrame({"ds": pd.to_datetime(future, unit="ms")})).yhat.to_numpy()
    parameters = {name: np.ravel(model.params[name]).tolist() for name in ("k", "m", "delta", "beta", "trend", "sigma_obs")}
    return yhat, parameters


def case(name, times, closes, future, unit):
    first = closes[0]
    values = closes if unit == "price" else np.log(closes / first)
    to_price = (lambda yhat: yhat) if unit == "price" else (lambda yhat: first * np.exp(yhat))
    yhat, parameters = curve(times, values, future)
    expected = to_price(yhat)
    noise = np.random.default_rng(7)
    moved = [to_price(curve(times, values * (1 + 1e-11 * noise.standard_normal(len(values))), future)[0]) for _ in range(6)]
    return {
        "name": f"{name} {unit}",
        "unit": unit,
        "times": times.tolist(),
        "closes": closes.tolist(),
        "futureTimes": future.tolist(),
        "parameters": parameters,
        "expected": expected.tolist(),
        "selfSpread": float(max(np.abs(one / expected - 1).max() for one in moved)),
    }


def real(folder, symbol, timeframe, rows, unit):
    frame = pd.read_csv(f"{folder}/{symbol}-{timeframe}.csv.gz")
    window = frame.iloc[-rows - STEPS : -STEPS]
    future = frame.timestamp_ms.iloc[-STEPS:].to_numpy()
    return case(f"{symbol} {timeframe}", window.timestamp_ms.to_numpy(), window.close.to_numpy(), future, unit)


def seasonal(timeframe, step, rows):
    """A slow trend with a daily and a weekly wave and a little noise: a series the model is made for."""
    times = 1_704_067_200_000 + step * np.arange(rows + STEPS)
    days = times / 86_400_000
    noise = np.random.default_rng(1).standard_normal(rows + STEPS)
    log = 0.002 * np.arange(rows + STEPS) + 0.05 * np.sin(2 * np.pi * days / 7) + 0.03 * np.cos(2 * np.pi * days) + 0.02 * noise
    closes = np.round(100 * np.exp(log), 6)
    return case(f"seasonal {timeframe}", times[:rows], closes[:rows], times[rows:], "price")


folder, out = sys.argv[1:]
cases = [seasonal(*wanted) for wanted in SEASONAL] + [real(folder, *wanted) for wanted in REAL]
with open(out, "w") as file:
    json.dump({"prophet": prophet.__version__, "cases": cases}, file, separators=(",", ":"))
    file.write("\n")
for one in cases:
    print(one["name"], f"Python against itself {one['selfSpread']:.1e}")
