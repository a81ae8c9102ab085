"""polars_batch.py PLAYS ANSWERS THREADS: one lazy query over the whole file."""

import os
import sys

plays, answers, threads = sys.argv[1:]
os.environ["POLARS_MAX_THREADS"] = threads

import polars as pl  # noqa: E402, it reads the variable when it is imported

schema = {"played_at": pl.Int64, "user": pl.String, "track": pl.String, "city": pl.Int32}
(
    pl.scan_csv(plays, schema=schema)
    .group_by((pl.col("played_at") // 1000 * 1000).alias("window"), "track")
    .agg(pl.col("user").n_unique().alias("listeners"), pl.col("city").n_unique().alias("cities"))
    .filter(pl.col("listeners") > 1, pl.col("cities") > 1)
    .sink_csv(answers, include_header=False)
)
print("first", flush=True)
