"""duckdb_batch.py PLAYS ANSWERS THREADS: one SQL statement over the whole file."""

import sys

import duckdb

plays, answers, threads = sys.argv[1:]
database = duckdb.connect(config={"threads": int(threads)})
database.execute(
    f"""
    COPY (
        SELECT played_at // 1000 * 1000 AS "window", track, count(DISTINCT "user") AS listeners,
            count(DISTINCT city) AS cities
        FROM read_csv('{plays}', header = true, delim = ',', quote = '',
            columns = {{'played_at': 'BIGINT', 'user': 'VARCHAR', 'track': 'VARCHAR', 'city': 'INTEGER'}})
        GROUP BY ALL
        HAVING listeners > 1 AND cities > 1
    ) TO '{answers}' (FORMAT csv, HEADER false)
    """
)
print("first", flush=True)
