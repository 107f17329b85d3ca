# SPDX-License-Identifier: Apache-2.0
"""What an engine costs in the server, against what it costs alone: in time and in CPU time per request.

A server on the built-in engine `mem` shows what the pipeline costs, the micro-benchmark what the engine
does on as many records of that size; a server on that engine should need the sum of both, and not much
more. In CPU time it is more for engines that merge: alone they take records faster than they merge them,
and end with merges left to do, which the server's rate leaves them time for."""

import json
import os
import statistics
import subprocess

from runner import Runner, StepFailed
from story import story

BASE = "mem"
BATCH = 100  # records; about what the server's write-behind hands over at once under load
RECORD_BYTES = 32  # of a stored record, beside its value
OPERATIONS = {"put": ("overwrite", "put_batches", BATCH), "get": ("get", "random_get", 1)}


def measure(options, engines, directory, tell):
    """Rows of {engine, operation}, and of `pipeline`, `alone`, `reached` microseconds, each `_us` in time
    and `_cpu_us` of processors; medians of the rounds."""
    names = [step for step, _, _ in OPERATIONS.values()]
    steps = [step for step in story(options.keys, options.value_bytes, options.seconds, options.warmup)
             if step.name in ("load", *names)]
    in_server, alone = {}, {}  # (time, CPU time) by engine and operation
    for number in range(options.rounds):
        for engine in (BASE, *engines):
            where = os.path.join(directory, f"pipeline-{number}-{engine}")
            flags = [f"--storage={engine}", "--quota-backend-bytes=17179869184"]
            runner = Runner(options, engine, options.quorate, flags, where)
            runner.server.start()
            try:
                runs = {step.name: runner.run(step) for step in steps}
            finally:
                runner.server.stop()
            # Merges cost more the more there is: so alone, too, records follow on those of the load.
            records = options.keys + runs[OPERATIONS["put"][0]]["count"]
            for operation, (step, benchmark, share) in OPERATIONS.items():
                spent = (1e6 / runs[step]["rate"], runs[step]["cpu_us"])
                in_server.setdefault((engine, operation), []).append(spent)
                spent = _alone(options, engine, benchmark, records, directory)
                alone.setdefault((engine, operation), []).append([one / share for one in spent])
            tell(f"round {number + 1}/{options.rounds} of the pipeline's cost: {engine}")
    rows = []
    for operation in OPERATIONS:
        for engine in engines:
            row = {"engine": engine, "operation": operation}
            for kind, unit in enumerate(("us", "cpu_us")):
                base = _median(in_server[BASE, operation], kind) - _median(alone[BASE, operation], kind)
                row[f"pipeline_{unit}"] = max(0.0, base)
                row[f"alone_{unit}"] = _median(alone[engine, operation], kind)
                row[f"reached_{unit}"] = _median(in_server[engine, operation], kind)
            rows.append(row)
    return rows


def _median(spent, kind):
    return statistics.median(one[kind] for one in spent)


def _alone(options, engine, benchmark, records, directory):
    """Microseconds of one iteration, and CPU microseconds."""
    plugin = engine if engine == BASE else os.path.join(
        os.path.dirname(options.quorate), "plugins", f"storage_{engine}.so")
    command = [options.storage_bench, "--benchmark_format=json", f"--benchmark_filter=/{benchmark}/",
               f"--records={records}", f"--batch={BATCH}",
               f"--value-bytes={options.value_bytes + RECORD_BYTES}", "--random-percent=100", plugin]
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env=dict(os.environ, TMPDIR=directory))
    if done.returncode != 0:
        raise StepFailed(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}{done.stdout}")
    found = json.loads(done.stdout)["benchmarks"][0]
    if found.get("error_occurred"):
        raise StepFailed(f"{' '.join(command)}: {found['error_message']}")
    return found["real_time"], found["cpu_time"]
