"""The loop of a plain Python script: ccxt page after page into SQLite, for `bench/run.mjs fill`.

usage: fill-loop.py EXCHANGE_URL SYMBOL TIMEFRAME SINCE_MS UNTIL_MS DATABASE
Prints one JSON line: candles and seconds.
"""
import json
import re
import sqlite3
import sys
import time

import ccxt

url, symbol, timeframe, since, until, database = sys.argv[1:7]
since, until = int(since), int(until)
exchange = ccxt.binance({"enableRateLimit": False, "options": {"defaultType": "spot", "fetchMarkets": ["spot"]}})
for name, address in list(exchange.urls["api"].items()):
    if isinstance(address, str):
        exchange.urls["api"][name] = re.sub(r"https://[^/]+", url, address)
exchange.load_markets()
store = sqlite3.connect(database)
store.execute("pragma journal_mode=WAL")
store.execute("pragma synchronous=FULL")
store.execute("create table candle(t integer primary key, o real, h real, l real, c real, v real)")
started, count, cursor = time.perf_counter(), 0, since
while cursor <= until:
    rows = [row for row in exchange.fetch_ohlcv(symbol, timeframe, cursor, 1000) if row[0] <= until]
    if not rows:
        break
    store.executemany("insert or replace into candle values(?,?,?,?,?,?)", rows)
    store.commit()
    count += len(rows)
    cursor = rows[-1][0] + exchange.parse_timeframe(timeframe) * 1000
print(json.dumps({"candles": count, "seconds": time.perf_counter() - started}))
