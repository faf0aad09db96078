"""Learns the constants of trend-volatility (src/forecasting/trend-constants.ts) and makes trend-volatility-golden.json.

usage: python trend-volatility.py OHLCV_DIR trend-volatility-golden.json     (pip install numpy pandas scipy)

Hourly candles of all symbols, every 7th bar after 400: ridge regression of the log of the range volatility of the next h
bars on averages of bar range (penalty 0.1) and on trend strength (penalty 0.01), then quantiles of |return| / scale,
weighted by the root of the scale. The profile is the one of range-volatility.
"""

import glob
import json
import math
import os
import sys

import numpy as np
import pandas as pd
from scipy.signal import lfilter

KNOTS = [1, 2, 4, 8, 16, 24]
SPEEDS = [4, 24, 120, 600]
HOUR_OF_DAY = [1.191, 1.041, 0.943, 0.861, 0.849, 0.847, 0.866, 0.896, 0.975, 0.933, 0.932, 0.919, 1.073, 1.141, 1.239, 1.18, 1.208, 1.038, 1.002, 0.975, 1.002, 0.972, 0.981, 0.936]
WEEKDAY_HOURLY = [1.076, 1.073, 1.081, 1.05, 1.027, 0.828, 0.866]
WEEKDAY_DAILY = [1.103, 1.04, 1.103, 1.052, 1.027, 0.793, 0.833]
PROFILES = {"1h": (np.outer(WEEKDAY_HOURLY, HOUR_OF_DAY) ** 2).ravel(), "1d": np.array(WEEKDAY_DAILY) ** 2}
STEP_MS = {"1h": 3_600_000, "1d": 86_400_000}
TAILS = [0.5, 0.8, 0.95]


def average(values, half_life):
    decay = 2 ** (-1 / half_life)
    return lfilter([1], [1, -decay], values) / lfilter([1], [1, -decay], np.ones(len(values)))


def features(frame, timeframe):
    """Of each bar: level and design of the regression, and the log of the root of the profile ahead, by step."""
    o, h, l, c = (frame[name].to_numpy(float) for name in ("open", "high", "low", "close"))
    profile = PROFILES[timeframe] / PROFILES[timeframe].mean()
    slot = (frame.timestamp_ms.to_numpy() + 3 * 86_400_000) // STEP_MS[timeframe]
    factor = profile[slot % len(profile)]
    before = np.r_[o[0], c[:-1]]
    variance = np.log(np.maximum.reduce([h, o, c, before]) / np.minimum.reduce([l, o, c, before])) ** 2 / (4 * math.log(2))
    ranges = [np.maximum(average(np.sqrt(variance / factor), speed), 1e-6) for speed in SPEEDS]
    moves = [average(np.log(c / before) / np.sqrt(factor), speed) for speed in SPEEDS[:3]]
    anchor = np.log(ranges[3])
    trend = [np.log1p(np.abs(move) * math.sqrt(speed) / ranges[2]) for move, speed in zip(moves, SPEEDS)]
    design = np.stack([np.ones(len(c))] + [np.log(one) - anchor for one in ranges[:3]] + trend, 1)
    ahead = np.cumsum([profile[(slot + step) % len(profile)] for step in range(1, 25)], 0)
    return variance, np.log(c), anchor, design, 0.5 * np.log(ahead)


def training(folder):
    parts = []
    for file in sorted(glob.glob(f"{folder}/*-1h.csv.gz")):
        variance, close, anchor, design, ahead = features(pd.read_csv(file), "1h")
        rows = np.arange(400, len(close) - 24)
        rows = rows[(pd.read_csv(file).timestamp_ms.to_numpy()[rows] // STEP_MS["1h"]) % 7 == 0]
        total = np.r_[0, np.cumsum(variance)]
        target = np.stack([0.5 * np.log(np.maximum(total[rows + k + 1] - total[rows + 1], 1e-12)) - ahead[k - 1][rows] - anchor[rows] for k in KNOTS], 1)
        returns = np.stack([close[rows + k] - close[rows] for k in KNOTS], 1)
        outlook = np.stack([anchor[rows] + ahead[k - 1][rows] for k in KNOTS], 1)
        parts.append((design[rows], target, returns, outlook))
    return [np.concatenate(one) for one in zip(*parts)]


def weighted_quantiles(values, weights, levels):
    order = np.argsort(values)
    weights = weights[order]
    return np.interp(levels, (np.cumsum(weights) - 0.5 * weights) / weights.sum(), values[order])


def learned(folder):
    design, target, returns, outlook = training(folder)
    penalty = np.diag([0, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01]) * len(design)
    slopes = np.linalg.solve(design.T @ design + penalty, design.T @ target)
    scale = np.exp(design @ slopes + outlook)
    tails = np.stack([weighted_quantiles(np.abs(returns[:, k]) / scale[:, k], np.sqrt(scale[:, k]), TAILS) for k in range(len(KNOTS))])
    names = ["intercept", "slope4", "slope24", "slope120", "trend4", "trend24", "trend120", "z50", "z80", "z95"]
    return {name: np.round(column, 4).tolist() for name, column in zip(names, np.r_[slopes, tails.T])}


def log_quantiles(constants, frame, timeframe):
    """Upper half (.75 .9 .975) at steps 1, 6 and 24 after the last row."""
    _, _, anchor, design, ahead = features(frame, timeframe)
    rows = []
    for step in (1, 6, 24):
        at = {name: np.interp(math.log(step), np.log(KNOTS), column) for name, column in constants.items()}
        values = list(at.values())
        scale = math.exp(anchor[-1] + design[-1] @ np.array(values[:7]) + ahead[step - 1][-1])
        rows.append([scale * z for z in values[7:]])
    return rows


folder, out = sys.argv[1:]
constants = learned(folder)
for name, column in constants.items():
    print(f"  {name}: {column},")
cases = []
for symbol, timeframe, rows in (("BTC_USDT", "1h", 0), ("BTC_USDT", "1h", 3000), ("DOGE_USDT", "1h", 500), ("ETH_USDT", "1d", 0), ("SOL_USDT", "1d", 365)):
    frame = pd.read_csv(os.path.join(folder, f"{symbol}-{timeframe}.csv.gz")).iloc[-rows:]
    cases.append({"symbol": symbol, "timeframe": timeframe, "rows": rows, "steps": [1, 6, 24], "upper": log_quantiles(constants, frame, timeframe)})
with open(out, "w") as file:
    json.dump({"cases": cases}, file, separators=(",", ":"))
    file.write("\n")
