"""beam_batch.py PLAYS ANSWERS: Beam's model on the runner that its Python package has in it, in one process."""

import sys

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.window import FixedWindows, TimestampedValue

plays, answers = sys.argv[1:]


def play(line):
    played_at, user, track, city = line.split(",")
    return TimestampedValue((track, (user, city)), int(played_at) / 1000)


class Distinct(beam.CombineFn):
    """The listeners of a track in a window, and their cities."""

    def create_accumulator(self):
        return set(), set()

    def add_input(self, group, one):
        for known, value in zip(group, one):
            known.add(value)
        return group

    def merge_accumulators(self, groups):
        listeners, cities = zip(*groups)
        return set().union(*listeners), set().union(*cities)

    def extract_output(self, group):
        return tuple(len(known) for known in group)


def answer(group, window=beam.DoFn.WindowParam):
    track, (listeners, cities) = group
    if listeners > 1 and cities > 1:
        yield f"{int(window.start.micros // 1000)},{track},{listeners},{cities}"


with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([])) as pipeline:
    (
        pipeline
        | beam.io.ReadFromText(plays, skip_header_lines=1)
        | beam.Map(play)
        | beam.WindowInto(FixedWindows(1))
        | beam.CombinePerKey(Distinct())
        | beam.FlatMap(answer)
        | beam.io.WriteToText(answers, num_shards=1, shard_name_template="")
    )
print("first", flush=True)
