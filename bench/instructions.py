# SPDX-License-Identifier: BSL-1.0
"""Counts the instructions of one iteration with callgrind: two runs of a benchmark differ by whole iterations and by nothing else."""

import concurrent.futures
import os
import re
import shutil
import subprocess

FEW, MANY = 2000, 6000  # as many digits, so that the names take as long to print


def _with_iterations(number):
    return {**os.environ, "CLEAVE_BENCH_ITERATIONS": str(number)}


def _total(program, name, number):
    pattern = "".join("\\" + c if c in ".+*?()[]{}|^$\\" else c for c in name)
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, f"--benchmark_filter=^{pattern}/iterations:{number}$"],
        env=_with_iterations(number),
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    return int(found.group(1)) if done.returncode == 0 and found else None


def _of_one(program, name):
    few, many = (_total(program, name, number) for number in (FEW, MANY))
    return None if few is None or many is None else (many - few) / (MANY - FEW)


def count(program, text_filter):
    """{name: instructions} of the benchmarks of `program` that are marked as counted and have the filter in their name."""
    if not shutil.which("valgrind"):
        return {}
    listed = subprocess.run([program, "--benchmark_list_tests"], env=_with_iterations(FEW), capture_output=True, text=True, check=True).stdout
    ending = f"/iterations:{FEW}"
    names = [line[: -len(ending)] for line in listed.split("\n") if line.endswith(ending) and text_filter in line]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return {name: number for name, number in zip(names, pool.map(lambda name: _of_one(program, name), names)) if number is not None}
