#!/usr/bin/env python3
"""compare.py [--plays N] [--rounds N] [--only NAME]: windows and distinct listeners, everyone in turn on the same file.

Installs the others below target/peers, makes the file, runs everyone once a round in an order that chance decides, and prints
a table in Markdown. A processor's time and the most memory are what the kernel says of the process when it has ended, from its
start to its end: what an interpreter or a virtual machine takes to start counts. Answers are compared line by line, in any
order; one that differs ends all. Who cannot be installed is left out, and the table says why.
"""

import argparse
import hashlib
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
TARGET = REPOSITORY / "target" / "peers"
OURS = REPOSITORY / "target" / "dist" / "examples" / "peers"
# How long an installation or a compiler may take.
PATIENCE_SECONDS = 1800

# Java 17 keeps its insides to itself, and Flink reaches into them; the list is that of Flink's own config.yaml.
OPENED = [
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in (
        "java.lang", "java.net", "java.io", "java.nio", "java.lang.reflect", "java.text", "java.time", "java.util",
        "java.util.concurrent", "java.util.concurrent.atomic", "java.util.concurrent.locks", "sun.nio.ch",
    )
]


class Unavailable(Exception):
    """Why someone is left out."""


@dataclass
class Run:
    """What the kernel says of one run."""

    cpu_seconds: float
    wall_seconds: float
    first_seconds: float
    peak_megabytes: float


@dataclass
class Peer:
    """Someone who answers."""

    name: str
    # Gets the file of plays and of answers; makes the command, after installing what it needs.
    command: callable
    # The share of the plays that it is given.
    share: float = 1.0
    runs: list = field(default_factory=list)
    skipped: str = ""


def call(command, what, **options):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, **options)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{what}: {error}") from error
    if done.returncode != 0:
        told = (done.stderr or done.stdout).strip().splitlines() or ["it says nothing"]
        raise Unavailable(f"{what}: {told[-1]}")


def python_with(package, *options):
    """The interpreter of a virtual environment that has this package in the version of requirements.txt."""
    wanted = next(
        line for line in (HERE / "peers/requirements.txt").read_text().splitlines() if line.startswith(f"{package}==")
    )
    place = TARGET / package
    python, installed = place / "bin" / "python", place / "installed"
    if not (installed.is_file() and installed.read_text() == wanted):
        print(f"installing {wanted}", file=sys.stderr)
        call([sys.executable, "-m", "venv", "--clear", str(place)], "python3 -m venv")
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options, wanted]
        call(pip, f"pip install {wanted}")
        installed.write_text(wanted)
    return str(python)


def ours(plays, answers):
    return [str(OURS), "core", plays, answers]


def script(package, name, *arguments, **variables):
    def command(plays, answers):
        python = python_with(package)
        assignments = [f"{name}={value}" for name, value in variables.items()]
        return ["env", *assignments, python, str(HERE / "peers" / name), plays, answers, *arguments]

    return command


def flink(parallelism):
    def command(plays, answers):
        for tool in ("java", "javac"):
            if not shutil.which(tool):
                raise Unavailable(f"{tool} is missing (on Debian: apt install default-jdk-headless)")
        # The package is made of Flink's own jars; pip puts together what else Python would need to use them.
        python = Path(python_with("apache-flink-libraries", "--no-deps"))
        libraries = next(python.parent.parent.glob("lib/python*/site-packages/pyflink/lib"), None)
        if libraries is None:
            raise Unavailable("apache-flink-libraries has no jars")
        classes = TARGET / "classes"
        path = f"{classes}:{HERE / 'peers'}:{libraries}/*"
        source = HERE / "peers" / "WindowPlays.java"
        call(["javac", "-cp", path, "-d", str(classes), str(source)], "javac")
        return ["java", "-Xmx2g", *OPENED, "-cp", path, "WindowPlays", plays, answers, str(parallelism)]

    return command


PEERS = [
    Peer("**Listening Together**, window and match", ours),
    Peer("Apache Flink, parallelism 1", flink(1)),
    Peer("Apache Flink, parallelism 2", flink(2)),
    Peer("Pathway, 1 thread", script("pathway", "pathway_stream.py", PATHWAY_THREADS=1), share=0.2),
    Peer("Apache Beam, Python's own runner", script("apache-beam", "beam_batch.py"), share=0.04),
    Peer("DuckDB, 1 thread", script("duckdb", "duckdb_batch.py", "1")),
    Peer("DuckDB, 2 threads", script("duckdb", "duckdb_batch.py", "2")),
    Peer("Polars, 1 thread", script("polars", "polars_batch.py", "1")),
    Peer("Polars, 2 threads", script("polars", "polars_batch.py", "2")),
]


def measure(command, log):
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    first = None
    for line in process.stdout:
        if line.strip() == "first" and first is None:
            first = time.monotonic() - started
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - started
    if process.returncode != 0 or first is None:
        raise Unavailable(f"it ended with {process.returncode}; see {log.name}")
    return Run(usage.ru_utime + usage.ru_stime, wall, first, usage.ru_maxrss / 1000)


def digest(answers):
    lines = sorted(Path(answers).read_bytes().splitlines())
    return len(lines), hashlib.sha256(b"\n".join(lines)).hexdigest()


def plays_file(count):
    file = TARGET / f"plays-{count}.csv"
    if not file.is_file():
        print(f"making {count:,} plays", file=sys.stderr)
        unfinished = file.with_suffix(".unfinished")
        subprocess.run([OURS, "plays", str(count), unfinished], check=True)
        unfinished.rename(file)
    return str(file)


def load():
    return Path("/proc/loadavg").read_text().split()[:3]


def processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown processor")


def compare(peers, plays, rounds):
    """Runs everyone; returns how many answers there are to each file."""
    expected, counts = {}, {}
    answers = str(TARGET / "answers.csv")
    for count in sorted({round(plays * peer.share) for peer in peers}):
        subprocess.run([OURS, "core", plays_file(count), answers], check=True, stdout=subprocess.DEVNULL)
        counts[count], expected[count] = digest(answers)
    for number in range(rounds):
        for peer in random.sample(peers, len(peers)):
            if peer.skipped:
                continue
            count = round(plays * peer.share)
            Path(answers).unlink(missing_ok=True)
            try:
                command = peer.command(plays_file(count), answers)
                print(f"round {number + 1}: {peer.name}", file=sys.stderr)
                with open(TARGET / "log.txt", "w") as log:
                    run = measure(command, log)
            except Unavailable as error:
                peer.skipped = str(error)
                print(f"skipped: {peer.name}: {error}", file=sys.stderr)
                continue
            lines, found = digest(answers)
            if found != expected[count]:
                shutil.copy(answers, TARGET / "answers-that-differ.csv")
                sys.exit(f"{peer.name} gives other answers: {lines:,} lines instead of {counts[count]:,}")
            peer.runs.append(run)
            print(f"  {run.cpu_seconds:.2f} s of CPU, {run.wall_seconds:.2f} s", file=sys.stderr)
    return counts


def table(peers, plays, counts):
    print("| | plays | plays a CPU-second | CPU s | wall s | first answer after | peak memory |")
    print("|---|---|---|---|---|---|---|")
    for peer in peers:
        count = round(plays * peer.share)
        if not peer.runs:
            print(f"| {peer.name} | {count:,} | skipped: {peer.skipped} | | | | |")
            continue

        def median(of, runs=peer.runs):
            return statistics.median(map(of, runs))

        cpu = median(lambda run: run.cpu_seconds)
        print(
            f"| {peer.name} | {count:,} | {float(f'{count / cpu:.3g}'):,.0f} | {cpu:.2f} | "
            f"{median(lambda run: run.wall_seconds):.2f} | {median(lambda run: run.first_seconds):.2f} s | "
            f"{median(lambda run: run.peak_megabytes):,.0f} MB |"
        )
    print()
    for count, lines in counts.items():
        print(f"{lines:,} answers to {count:,} plays, the same of all.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plays", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="who has this in the name")
    arguments = parser.parse_args()
    TARGET.mkdir(parents=True, exist_ok=True)
    peers = [peer for peer in PEERS if arguments.only.lower() in peer.name.lower()]
    before = load()
    counts = compare(peers, arguments.plays, arguments.rounds)
    print(f"{processor()}, {os.cpu_count()} cores; load averages before and after: {before} and {load()}; ", end="")
    print(f"median of {arguments.rounds} rounds\n")
    table(peers, arguments.plays, counts)


if __name__ == "__main__":
    main()
