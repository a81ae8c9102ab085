"""pathway_stream.py PLAYS ANSWERS: tumbling windows that answer once, when event time is half a second past their end."""

import sys

import pathway as pw

plays, answers = sys.argv[1:]


class Play(pw.Schema):
    played_at: int
    user: str
    track: str
    city: int


played = pw.io.csv.read(plays, schema=Play, mode="static")
groups = played.windowby(
    pw.this.played_at,
    window=pw.temporal.tumbling(duration=1000, origin=0),
    instance=pw.this.track,
    behavior=pw.temporal.exactly_once_behavior(shift=500),
).reduce(
    window=pw.this._pw_window_start,
    track=pw.this._pw_instance,
    listeners=pw.reducers.count_distinct(pw.this.user),
    cities=pw.reducers.count_distinct(pw.this.city),
)
shared = groups.filter((pw.this.listeners > 1) & (pw.this.cities > 1))

with open(answers, "w") as out:

    def write(key, row, time, is_addition):
        if out.tell() == 0:
            print("first", flush=True)
        assert is_addition, row
        out.write(f"{row['window']},{row['track']},{row['listeners']},{row['cities']}\n")

    pw.io.subscribe(shared, write)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)
