# SPDX-License-Identifier: BSL-1.0
"""The report as one HTML page that needs nothing else: bars for the cases, curves for what grows, and the table."""

import html
import math

from report_table import HEAD, axis_text, cells, curves_of, goal_texts, is_curve, is_limit, quantity

STYLE = """
:root{--ink:#1c2733;--dim:#5b6875;--line:#dde3ea;--paper:#fff;--ours:#1f6feb;--limit:#7d8895;--peer:#c3ccd6;--good:#1a7f37;--bad:#c62f2f}
@media (prefers-color-scheme:dark){:root{--ink:#e3e8ee;--dim:#9aa6b2;--line:#303a45;--paper:#12171d;--ours:#4c8dff;--limit:#8a96a3;--peer:#4a5663;--good:#4fbf67;--bad:#ff6b6b}}
body{font:15px/1.45 system-ui,sans-serif;max-width:72em;margin:2em auto;padding:0 1.2em;color:var(--ink);background:var(--paper)}
h1{font-size:1.6em;margin:0}h2{font-size:1.15em;margin:2.2em 0 .4em;border-bottom:1px solid var(--line);padding-bottom:.2em}
p{color:var(--dim);margin:.4em 0}.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(var(--card,21em),1fr));gap:.4em 2em}
figure{margin:.7em 0}figcaption{font-weight:600;font-size:.93em}figcaption small{font-weight:400;color:var(--dim)}
.yes{color:var(--good)}.no{color:var(--bad)}svg{width:100%;height:auto;display:block}svg text{font:11px system-ui,sans-serif;fill:var(--ink)}
svg .axis{fill:var(--dim)}svg .grid{stroke:var(--line)}.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.83em;white-space:nowrap}
td,th{padding:.25em .7em;border-bottom:1px solid var(--line);text-align:right}td:nth-child(1),th:nth-child(1),td:nth-child(4),th:nth-child(4),
td:nth-child(7),th:nth-child(7),td:nth-child(8),th:nth-child(8){text-align:left}
"""
COLOURS = ("#1f6feb", "#e36209", "#1a9f55", "#9a4fd0", "#d1418c", "#0b9bb3", "#a07a00", "#7d8895")
MEASURES = {
    "append": "An append of one event",
    "cache": "An answer from the cache",
    "load": "An event of a load",
    "projection": "An event of a projection that starts anew",
    "waiters": "From an append to the answer of its last waiter",
}
ROOMS = {
    "bus": "Event buses",
    "codec": "JSON",
    "compile": "Compile time",
    "dispatch": "Routing",
    "endtoend": "End to end",
    "memory": "In memory",
    "read": "Projections and queries",
    "sqlite": "SQLite",
    "write": "Commands",
}


def _bars(row):
    ways = [("ours", row["ours"], "ours")]
    if row["raw"] is not None:
        ways.append(("raw", row["raw"], "limit"))
    ways += [(way, time, "limit" if is_limit(way) else "peer") for way, time in sorted(row["peers"].items(), key=lambda item: item[1])]
    longest = max(time for _, time, _ in ways) or 1
    out = [f'<svg viewBox="0 0 340 {19 * len(ways)}" role="img">']
    for i, (way, time, kind) in enumerate(ways):
        width = max(1.0, 165 * time / longest)
        out.append(f'<text x="0" y="{19 * i + 13}">{html.escape(way)}</text>')
        out.append(f'<rect x="105" y="{19 * i + 3}" width="{width:.1f}" height="13" rx="2" fill="var(--{kind})"/>')
        out.append(f'<text x="{110 + width:.1f}" y="{19 * i + 13}">{html.escape(quantity(time, row["unit"]))}</text>')
    return "".join(out) + "</svg>"


def _figure(row):
    goals = "; ".join(f'<span class="{"yes" if reached else "no"}">{html.escape(text)}</span>' for text, reached in goal_texts(row))
    number = f"{row['instructions']['ours']:.0f} instructions" if "ours" in row["instructions"] else ""
    notes = " · ".join(note for note in (goals and f"goal {goals}", number) if note)
    return f'<figure><figcaption>{html.escape(row["name"])} <small>{notes}</small></figcaption>{_bars(row)}</figure>'


def _chart(title, axis, lines):
    """Lines over a logarithmic plane; lines: {name: {value: row}}."""
    width, height, left, top, bottom = 520, 270, 62, 10, 34
    values = sorted({value for points in lines.values() for value in points})
    times = [row["ours"] for points in lines.values() for row in points.values()]
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))
    high = max(high, low + 1)
    first, last = math.log10(values[0]), math.log10(values[-1])

    def x(value):
        return left + (width - left - 14) * (math.log10(value) - first) / ((last - first) or 1)

    def y(time):
        return top + (height - top - bottom) * (high - math.log10(time)) / (high - low)

    out = [f'<svg viewBox="0 0 {width} {height + 16 * ((len(lines) + 1) // 2)}" role="img">']
    for power in range(low, high + 1):
        out.append(f'<line class="grid" x1="{left}" x2="{width - 14}" y1="{y(10.0**power):.1f}" y2="{y(10.0**power):.1f}"/>')
        out.append(f'<text class="axis" x="{left - 6}" y="{y(10.0**power) + 4:.1f}" text-anchor="end">{quantity(10.0**power, "ns")}</text>')
    for value in values:
        out.append(f'<text class="axis" x="{x(value):.1f}" y="{height - bottom + 16}" text-anchor="middle">{axis_text(value)}</text>')
    out.append(f'<text class="axis" x="{(left + width) / 2:.0f}" y="{height - 4}" text-anchor="middle">{html.escape(axis)}</text>')
    for i, (name, points) in enumerate(sorted(lines.items())):
        colour = COLOURS[i % len(COLOURS)]
        at = [(x(value), y(points[value]["ours"]), value) for value in sorted(points)]
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(f"{px:.1f},{py:.1f}" for px, py, _ in at)}"/>')
        for px, py, value in at:
            tip = f"{name}, {axis_text(value)} {axis}: {quantity(points[value]['ours'], points[value]['unit'])}"
            out.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3.2" fill="{colour}"><title>{html.escape(tip)}</title></circle>')
        kx, ky = left + (i % 2) * 220, height + 11 + 16 * (i // 2)
        out.append(f'<rect x="{kx}" y="{ky - 8}" width="10" height="10" rx="2" fill="{colour}"/><text x="{kx + 15}" y="{ky + 1}">{html.escape(name)}</text>')
    return f"<figure><figcaption>{html.escape(title)}</figcaption>{''.join(out)}</svg></figure>"


def _charts(rows):
    for axis, lines in curves_of(rows).items():
        measures = {}
        for line, points in lines.items():
            measure, store = line.split("_")
            measures.setdefault(measure, {})[store] = points
        for measure, these in measures.items():
            yield _chart(f"{MEASURES[measure]}, by {axis}", axis, these)


def write_page(rows, path):
    plain = [row for row in rows if not is_curve(row)]
    judged = [row for row in plain if row["holds"] is not None]
    out = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f'<title>cleave benchmarks</title><link rel="icon" href="data:,"><style>{STYLE}</style></head><body>',
        f"<h1>cleave benchmarks</h1><p>{html.escape(rows[0]['machine'])}. Medians; time of one item, shorter is better.</p>",
    ]
    if judged:
        out.append(f"<p>{sum(row['holds'] for row in judged)} of {len(judged)} cases with a goal reach it.</p>")
    charts = list(_charts(rows))
    if charts:
        out += ["<h2>How it grows</h2><p>Both axes are logarithmic.</p><div class=\"cards\" style=\"--card:27em\">", *charts, "</div>"]
    rooms = {}
    for row in plain:
        rooms.setdefault(row["name"].split("/")[0], []).append(row)
    for room, those in rooms.items():
        out += [f'<h2>{html.escape(ROOMS.get(room, room))}</h2><div class="cards">', *map(_figure, those), "</div>"]
    if plain:
        out.append('<h2>Table</h2><p>/limit and /peer compare speeds: 2 is twice as fast.</p><div class="scroll"><table><tr>')
        out += [f"<th>{html.escape(cell)}</th>" for cell in HEAD]
        for row in plain:
            css = {True: ' class="yes"', False: ' class="no"', None: ""}[row["holds"]]
            out.append("</tr><tr>" + "".join(f"<td{css if i == 7 else ''}>{html.escape(cell)}</td>" for i, cell in enumerate(cells(row))))
        out.append("</tr></table></div>")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join([*out, "</body></html>"]) + "\n")
