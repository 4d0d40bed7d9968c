#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Runs the benchmark programs and reports each case beside the raw way of doing the same work, and beside its peers.

A benchmark is named CASE/WAY (with parameters of Google Benchmark behind), where WAY is "ours", "raw", or a peer's name.
Repetitions of all ways are interleaved in random order, and medians are compared, because the machine is noisy.
The ratio is a speed: 1 means as fast as the raw way, 0.5 half as fast, 2 twice as fast.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time

import instructions
from report_page import write_page
from report_table import check_readme, goal_texts, is_limit, print_tables, rewrite_readme


def read_goals(path):
    """Lines of "CASE WAY RATIO": our speed over WAY's is to be at least RATIO; for the way "instructions", at most so many."""
    goals = {}
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            words = line.split("#")[0].split()
            if not words:
                continue
            if len(words) != 3:
                sys.exit(f"{path}:{number}: wanted CASE WAY RATIO")
            goals.setdefault(words[0], {})[words[1]] = float(words[2])
    return goals


def run(program, text_filter, repetitions, units):
    """The runs of one program: {case: {way: [seconds of one item, ...]}}. A label is the unit, of which a nanosecond stands for one."""
    names = subprocess.run([program, "--benchmark_list_tests"], check=True, capture_output=True, text=True).stdout.split("\n")
    if not any(name and text_filter in name for name in names):
        return {}
    command = [
        program,
        "--benchmark_format=json",
        f"--benchmark_repetitions={repetitions}",
        "--benchmark_enable_random_interleaving=true",
        "--benchmark_min_time=0.1",
    ]
    if text_filter:
        command.append("--benchmark_filter=" + "".join("\\" + c if c in ".+*?()[]{}|^$\\" else c for c in text_filter))
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{program} ended with {done.returncode}")
    found = {}
    for entry in json.loads(done.stdout)["benchmarks"]:
        if entry.get("run_type") != "iteration":
            continue
        if entry.get("error_occurred"):
            sys.exit(f"{entry['name']}: {entry.get('error_message')}")
        parts = entry["run_name"].split("/")
        # Google Benchmark adds parameters behind the name: they belong to the case, "real_time" does not.
        parts = [p for p in parts if p not in ("real_time", "process_time", "manual_time") and not p.startswith(("iterations:", "repeats:", "min_time:"))]
        case, way, parameters = parts[0:2], parts[2], parts[3:]
        case = "/".join(case + parameters)
        if "items_per_second" in entry:
            seconds = 1.0 / entry["items_per_second"]
        else:
            seconds = entry["real_time"] * {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}[entry["time_unit"]]
        found.setdefault(case, {}).setdefault(way, []).append(seconds)
        units[case] = entry.get("label") or "ns"
    return found


def in_order(case):
    """Numbers in a name by their value."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", case)]


def rows_of(found, instructions_of, goals, units, about):
    # Of a case that counts something, ours can be 0, which nothing is better than.
    for case in sorted(found, key=in_order):
        ways = found[case]
        if "ours" not in ways:
            continue
        median = {way: statistics.median(times) * 1e9 for way, times in ways.items()}
        ratios = {way: statistics.median(r / o if o else 1.0 for r, o in zip(times, ways["ours"])) for way, times in ways.items() if way != "ours"}
        peers = {way: median[way] for way in sorted(median) if way not in ("ours", "raw")}
        row = {
            "name": case,
            "unit": units[case],
            "ours": median["ours"],
            "raw": median.get("raw"),
            "peer": min((time for way, time in peers.items() if not is_limit(way)), default=None),
            "ratio": ratios.get("raw"),
            "goal": goals.get(case, {}).get("raw"),
            "holds": None,
            "peers": peers,
            "ratios": ratios,
            "goals": goals.get(case, {}),
            "instructions": instructions_of.get(case, {}),
            **about,
        }
        if row["goals"]:
            row["holds"] = all(reached for _, reached in goal_texts(row))
        yield row


def machine():
    model = "unknown processor"
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), model)
    except OSError:
        pass
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    compiler = subprocess.run(["g++", "-dumpfullversion"], capture_output=True, text=True, check=False).stdout.strip()
    return f"{os.cpu_count()} cores, {model}, {memory:.0f} GiB, {os.uname().sysname} {os.uname().release}, GCC {compiler}, {time.strftime('%Y-%m-%d')}"


def measure(given):
    goals = read_goals(given.goals)
    found, units, counted = {}, {}, {}
    for name in sorted(os.listdir(given.programs)):
        program = os.path.join(given.programs, name)
        if name.startswith("bench_") and os.access(program, os.X_OK) and os.path.isfile(program):
            before = time.monotonic()
            runs = run(program, given.filter, given.repetitions, units)
            if not runs:
                continue
            found.update(runs)
            for full_name, number in instructions.count(program, given.filter).items():
                case, way = full_name.rsplit("/", 1)
                counted.setdefault(case, {})[way] = number
            print(f"bench: {name} took {time.monotonic() - before:.0f} s", file=sys.stderr)
    rows = list(rows_of(found, counted, goals, units, {"repetitions": given.repetitions, "machine": machine()}))
    if not rows:
        sys.exit(f'no benchmark has "{given.filter}" in its name')
    return rows


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--programs", help="the folder of the benchmark programs, which are run")
    options.add_argument("--goals")
    options.add_argument("--from-json", help="report an earlier run instead")
    options.add_argument("--filter", default="")
    options.add_argument("--repetitions", type=int, default=5)
    options.add_argument("--json")
    options.add_argument("--html")
    options.add_argument("--readme", help="rewrite the section of this file that shows the results")
    options.add_argument("--check-readme", help="print nothing, and fail if this file shows other results")
    given = options.parse_args()

    if given.from_json:
        with open(given.from_json, encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
    else:
        rows = measure(given)
    if given.check_readme:
        check_readme(rows, given.check_readme)
        return
    print(f"{rows[0]['machine']}; medians of {rows[0]['repetitions']} interleaved repetitions, or of as many as a benchmark asks for\n")
    print_tables(rows)
    if given.json:
        with open(given.json, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    if given.html:
        write_page(rows, given.html)
    if given.readme:
        rewrite_readme(rows, given.readme)


if __name__ == "__main__":
    main()
