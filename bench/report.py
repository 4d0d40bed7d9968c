#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Runs the benchmark programs and reports each case beside the raw way of doing the same work, and beside its peers.

A benchmark is named CASE/WAY (with parameters of Google Benchmark behind), where WAY is "ours", "raw", or a peer's name.
Repetitions of all ways are interleaved in random order, and medians are compared, because the machine is noisy.
The ratio is a speed: 1 means as fast as the raw way, 0.5 half as fast, 2 twice as fast.
"""

import argparse
import html
import json
import math
import os
import statistics
import subprocess
import sys


def read_goals(path):
    """Lines of "CASE WAY RATIO": our speed over WAY's is to be at least RATIO."""
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


def rows_of(found, goals, units):
    for case in sorted(found):
        ways = found[case]
        if "ours" not in ways:
            continue
        median = {way: statistics.median(times) for way, times in ways.items()}
        paired = {}
        for way, times in ways.items():
            if way != "ours":
                paired[way] = statistics.median(o and r / o for r, o in zip(times, ways["ours"]))
        peers = [way for way in median if way not in ("ours", "raw")]
        peer = min(peers, key=median.get, default=None)
        wanted = goals.get(case, {})
        yield {
            "name": case,
            "unit": units[case],
            "ours": median["ours"] * 1e9,
            "raw": median["raw"] * 1e9 if "raw" in median else None,
            "peer": median[peer] * 1e9 if peer else None,
            "ratio": paired.get("raw"),
            "goal": wanted.get("raw"),
            "holds": all(way in paired and paired[way] >= ratio for way, ratio in wanted.items()) if wanted else None,
            "peers": {way: median[way] * 1e9 for way in sorted(peers)},
            "missed": [f"{way} {paired.get(way, math.nan):.2f} of {ratio:g}" for way, ratio in wanted.items() if not paired.get(way, 0) >= ratio],
        }


def number(value):
    if value is None:
        return "-"
    return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def table(rows):
    head = ["case", "unit", "ours", "raw", "ours/raw speed", "goal", "holds", "peers"]
    body = [
        [
            row["name"],
            row["unit"],
            number(row["ours"]),
            number(row["raw"]),
            "-" if row["ratio"] is None else f"{row['ratio']:.2f}",
            "-" if row["goal"] is None else f">= {row['goal']:g}",
            "-" if row["holds"] is None else ("yes" if row["holds"] else "NO: " + ", ".join(row["missed"])),
            ", ".join(f"{way} {number(time)}" for way, time in row["peers"].items()) or "-",
        ]
        for row in rows
    ]
    widths = [max(len(line[i]) for line in [head] + body) for i in range(len(head))]
    for line in [head, ["-" * width for width in widths]] + body:
        print("  ".join(cell.ljust(width) if i in (0, 1, 6, 7) else cell.rjust(width) for i, (cell, width) in enumerate(zip(line, widths))).rstrip())


def machine():
    model = "unknown processor"
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), model)
    except OSError:
        pass
    return f"{os.cpu_count()} cores, {model}, {os.uname().sysname} {os.uname().release}"


def page(rows, path):
    """Bars of time per item, on a page that needs no network."""
    out = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>cleave benchmarks</title><style>",
        "body{font:15px system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}",
        "h2{font-size:1em;margin:1.6em 0 .3em}svg text{font:12px system-ui,sans-serif}.no{color:#b00}</style>",
        f"<h1>cleave benchmarks</h1><p>{html.escape(machine())}. Medians; nanoseconds per item where no other unit is said, shorter is better.</p>",
    ]
    for row in rows:
        bars = [("ours", row["ours"], "#2b6cb0")]
        if row["raw"] is not None:
            bars.append(("raw", row["raw"], "#718096"))
        bars += [(way, time, "#cbd5e0") for way, time in row["peers"].items()]
        longest = max(time for _, time, _ in bars)
        unit = "" if row["unit"] == "ns" else f" [{row['unit']}]"
        note = unit if row["ratio"] is None else f"{unit} — {row['ratio']:.2f} of the raw speed"
        if row["goal"] is not None:
            note += f" (goal {row['goal']:g})"
        css = " class=no" if row["holds"] is False else ""
        out.append(f"<h2{css}>{html.escape(row['name'])}{note}</h2><svg width=720 height={22 * len(bars)}>")
        for i, (way, time, colour) in enumerate(bars):
            y = 22 * i
            width = max(1, 480 * time / longest)
            out.append(f"<text x=0 y={y + 14}>{html.escape(way)}</text><rect x=110 y={y + 3} width={width:.1f} height=15 fill={colour} />")
            out.append(f"<text x={116 + width:.1f} y={y + 15}>{number(time)}</text>")
        out.append("</svg>")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--programs", required=True)
    options.add_argument("--goals", required=True)
    options.add_argument("--filter", default="")
    options.add_argument("--repetitions", type=int, default=5)
    options.add_argument("--json")
    options.add_argument("--html")
    given = options.parse_args()

    goals = read_goals(given.goals)
    found = {}
    units = {}
    for name in sorted(os.listdir(given.programs)):
        program = os.path.join(given.programs, name)
        if name.startswith("bench_") and os.access(program, os.X_OK) and os.path.isfile(program):
            found.update(run(program, given.filter, given.repetitions, units))
    rows = list(rows_of(found, goals, units))
    if not rows:
        sys.exit(f'no benchmark has "{given.filter}" in its name')
    print(f"{machine()}; medians of {given.repetitions} interleaved repetitions\n")
    table(rows)
    if given.json:
        with open(given.json, "w", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps({key: row[key] for key in ("name", "unit", "ours", "raw", "peer", "ratio", "goal", "holds")}) + "\n")
    if given.html:
        page(rows, given.html)


if __name__ == "__main__":
    main()
