# SPDX-License-Identifier: BSL-1.0
"""The rows of a report as text: the table on the terminal, and the one in README.md."""

import re


def goal_texts(row):
    """[(what is wanted, whether it was reached)] for a row."""
    texts = []
    for way, wanted in row["goals"].items():
        if way == "instructions":
            number = row["instructions"].get("ours")
            texts.append((f"<= {wanted:g} instr.", number is not None and round(number) <= wanted))
        else:
            texts.append((f">= {wanted:g} x {'limit' if is_limit(way) else way}", row["ratios"].get(way, 0) >= wanted))
    return texts


def is_limit(way):
    return way in ("raw", "none") or way.startswith("limit_")


def peers_of(row):
    return {way: time for way, time in row["peers"].items() if not is_limit(way)}


def limit_of(row):
    """(way, time) of what cannot be beaten, or None."""
    if row["raw"] is not None:
        return "raw", row["raw"]
    return next(((way, time) for way, time in row["peers"].items() if is_limit(way)), None)


def quantity(value, unit):
    """Three digits and a unit; a row's "ns" is written as what suits the value."""
    if value is None:
        return "-"
    if unit != "ns":
        return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"
    for factor, name in ((1e9, "s"), (1e6, "ms"), (1e3, "us")):
        if value >= factor:
            return f"{value / factor:.3g} {name}" if value < 999.5 * factor else f"{value / factor:,.0f} {name}"
    return f"{value:.3g} ns"


def is_curve(row):
    return row["name"].startswith("scale/")


def point_of(row):
    """("append_memory", "events", 1000) for scale/append_memory/events:1000"""
    _, line, point = row["name"].split("/")
    axis, value = point.split(":")
    return line, axis, int(value)


def curves_of(rows):
    """{axis: {line: {value: row}}}"""
    curves = {}
    for row in filter(is_curve, rows):
        line, axis, value = point_of(row)
        curves.setdefault(axis, {}).setdefault(line, {})[value] = row
    return curves


def axis_text(value):
    zeros = len(str(value)) - 1
    return f"10^{zeros}" if value >= 1000 and value == 10**zeros else str(value)


HEAD = ("case", "ours", "limit", "fastest peer", "/limit", "/peer", "goal", "holds", "instr.")


def cells(row):
    limit = limit_of(row)
    peers = peers_of(row)
    peer = min(peers, key=peers.get, default=None)
    goals = goal_texts(row)
    missed = [text for text, reached in goals if not reached]
    return (
        row["name"],
        quantity(row["ours"], row["unit"]),
        quantity(limit[1], row["unit"]) if limit else "-",
        f"{peer} {quantity(peers[peer], row['unit'])}" if peer else "-",
        f"{row['ratios'][limit[0]]:.2f}" if limit else "-",
        f"{row['ratios'][peer]:.2f}" if peer else "-",
        ", ".join(text for text, _ in goals) or "-",
        ("NO: " + ", ".join(missed) if missed else "yes") if goals else "-",
        f"{row['instructions']['ours']:.0f}" if "ours" in row["instructions"] else "-",
    )


def _print(head, body, left):
    widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
    for line in [head, ["-" * width for width in widths], *body]:
        print("  ".join(cell.ljust(width) if i in left else cell.rjust(width) for i, (cell, width) in enumerate(zip(line, widths))).rstrip())


def print_tables(rows):
    plain = [row for row in rows if not is_curve(row)]
    if plain:
        _print(HEAD, [cells(row) for row in plain], (0, 3, 6, 7))
        judged = [row for row in plain if row["holds"] is not None]
        reached = f"{sum(row['holds'] for row in judged)} of {len(judged)} rows with a goal reach it. " if judged else ""
        print(f"\n{reached}/limit and /peer are speeds: 2 is twice as fast.")
    for head, body in _curve_tables(rows):
        print()
        _print(head, body, (0,))


def _curve_tables(rows):
    for axis, lines in curves_of(rows).items():
        values = sorted({value for points in lines.values() for value in points})
        head = [f"time of one, by {axis}", *(axis_text(value) for value in values)]
        body = [[line, *(quantity(points[value]["ours"], points[value]["unit"]) if value in points else "-" for value in values)] for line, points in sorted(lines.items())]
        yield head, body


def _markdown(head, body):
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for line in body:
        yield "| " + " | ".join(line) + " |"


BEGIN, END = "<!-- bench: begin, written by bench/run.sh --readme -->", "<!-- bench: end -->"


def readme_section(rows):
    plain = [row for row in rows if not is_curve(row)]
    lines = [BEGIN, f"Medians, measured on {rows[0]['machine']}. `/limit` and `/peer` compare speeds: 2 is twice as fast.", ""]
    lines += _markdown(HEAD, [cells(row) for row in plain])
    for head, body in _curve_tables(rows):
        lines += ["", *_markdown(head, body)]
    return "\n".join([*lines, END])


def with_section(rows, path):
    """(text of the file, the same with the section of these rows)"""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    found = re.search(re.escape(BEGIN) + ".*?" + re.escape(END), text, re.DOTALL)
    if not found:
        raise SystemExit(f'{path} has no section between "{BEGIN}" and "{END}"')
    return text, text[: found.start()] + readme_section(rows) + text[found.end() :]


def rewrite_readme(rows, path):
    _, wanted = with_section(rows, path)
    with open(path, "w", encoding="utf-8") as file:
        file.write(wanted)


def check_readme(rows, path):
    text, wanted = with_section(rows, path)
    if text != wanted:
        raise SystemExit(f"{path} shows other figures than those of the run: sh bench/run.sh --readme writes both")
