# SPDX-License-Identifier: Apache-2.0
"""The report of bench/run --engines: one HTML file that needs nothing else."""

import html
import statistics

import svg

MEBI = 1 << 20

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#222;max-width:1010px;margin:2em auto;padding:0 1em}
h1{font-size:1.7em;margin-bottom:.2em} h2{margin:1.8em 0 .3em;border-bottom:2px solid #ddd}
h3{margin:.2em 0;font-size:1em} p{margin:.4em 0 .8em} small,.quiet{color:#666}
table{border-collapse:collapse;font-size:13px} td,th{padding:2px 9px;text-align:right;
border-bottom:1px solid #e4e4e4} th{background:#f5f5f5} td:first-child,th:first-child{text-align:left}
td.best{font-weight:700;background:#e8f4ec} .plots{display:grid;grid-template-columns:1fr 1fr;gap:18px 26px}
.tables{display:flex;flex-wrap:wrap;gap:18px 40px} .plots figure{margin:0} figcaption{color:#666;font-size:12px} .key span{margin-right:1.2em;white-space:nowrap}
.key i,.dot{display:inline-block;width:.8em;height:.8em;margin-right:.35em;vertical-align:-.05em}
.warn{background:#fff4d6;border-left:4px solid #E69F00;padding:.4em .8em}
details{margin:.5em 0} code{font-size:12px} svg{max-width:100%;height:auto}
@media print{body{max-width:none;margin:0} figure,tr{break-inside:avoid}}
"""

# What the tables and plots tell: (field, heading, unit, divisor, whether less is better).
FIGURES = (
    ("rate", "Requests per second", "/s", 1, False),
    ("p50_us", "Latency p50", "us", 1, True),
    ("p99_us", "Latency p99", "us", 1, True),
    ("cpu_us", "Server CPU per request", "us", 1, True),
    ("took_seconds", "Time taken", "s", 1, True),
    ("peak_rss_bytes", "Memory, peak", "MiB", MEBI, True),
    ("written_per_byte", "Disk bytes written per byte put", "", 1, True),
    ("disk_bytes", "Size on disk afterwards", "MiB", MEBI, True),
)


class Report:
    def __init__(self, result):
        self.result = result
        self.servers = [one["name"] for one in result["servers"]]
        self.colours = dict(zip(self.servers, svg.COLOURS))
        self.steps = [one["name"] for one in result["steps"]]

    def runs(self, step, server):
        return [
            run for run in self.result["runs"] if (run["step"], run["server"]) == (step, server)
        ]

    def values(self, step, server, field):
        return [run[field] for run in self.runs(step, server) if run.get(field) is not None]

    def median(self, step, server, field):
        values = self.values(step, server, field)
        return statistics.median(values) if values else None

    # --- parts -----------------------------------------------------------------------------------

    def key(self):
        spans = "".join(
            f'<span><i style="background:{self.colours[name]}"></i>{html.escape(name)}</span>'
            for name in self.servers
        )
        return f'<p class="key">{spans}</p>'

    def head(self):
        result, settings = self.result, self.result["settings"]
        disk = {key: statistics.median(one[key] for one in result["disk"]) for key in result["disk"][0]}
        text = [
            "<h1>Quorate: storage engines side by side</h1>",
            f"<p>Measured {html.escape(result['began'])}, {settings['rounds']} round{'s' * (settings['rounds'] != 1)} of "
            f"{settings['keys']:,} keys with values of {settings['value_bytes']:,} bytes. Everything below "
            "is a median of the rounds; whiskers are the smallest and the largest. Odd rounds gave each "
            "server the machine for its whole story, in even ones all were up and took turns step by step."
            "</p>",
            f"<p>The disk: an fdatasync of 512 bytes takes {disk['p50_us']:,.0f} us (p50), "
            f"{disk['p99_us']:,.0f} us (p99). Figures move from machine to machine; what holds are the "
            "ratios within one report.</p>",
        ]
        busy = float(result["machine"]["load average before"].split()[0])
        if busy > result["machine"]["cores"] / 4:
            text.append(
                f'<p class="warn">The machine was busy with other work (load average {busy:.1f} on '
                f"{result['machine']['cores']} cores before the start): these figures are not to be "
                "cited.</p>"
            )
        for name, why in result["left_out"].items():
            text.append(f'<p class="warn">{html.escape(name)} is missing: {html.escape(why)}.</p>')
        return "\n".join(text)

    def winners(self):
        """Who is best at what, by how much, and what that is against etcd."""
        wins = {name: 0 for name in self.servers}
        rows = []
        for step in self.steps:
            for field, _, unit, _, less in (FIGURES[0], FIGURES[4]):
                ranked = [(self.median(step, name, field), name) for name in self.servers]
                ranked = sorted((one for one in ranked if one[0]), reverse=not less)
                if len(ranked) > 1:
                    wins[ranked[0][1]] += 1
                    rows.append(self.winner_row(step, unit, less, ranked))
        count = ", ".join(f"<b>{html.escape(name)}</b> {wins[name]}" for name in self.servers)
        return (
            f"<h2>Who is fastest at what</h2>{self.key()}<p>Steps won: {count}. What lies within the rounds' "
            "whiskers below is a draw.</p><table><tr><th></th><th>fastest</th><th></th><th>ahead of the next</th>"
            f"<th>against etcd</th></tr>{''.join(rows)}</table>"
        )

    def winner_row(self, step, unit, less, ranked):
        """`ranked`: (value, server), the best first."""

        def times(value):
            return f"{value / best if less else best / value:.2f}x"

        best, name = ranked[0]
        etcd = next((value for value, server in ranked if server == "etcd"), None)
        return (
            f'<tr><td>{html.escape(step)}</td><td style="text-align:left"><i class=dot style="background:'
            f'{self.colours[name]}"></i>{html.escape(name)}</td><td>{number(best)} {unit}</td>'
            f"<td>{html.escape(ranked[1][1])}, {times(ranked[1][0])}</td>"
            f"<td>{times(etcd) if etcd and name != 'etcd' else ''}</td></tr>"
        )

    def table(self, figure):
        field, heading, unit, divisor, less = figure
        rows = []
        for step in self.steps:
            found = {name: self.median(step, name, field) for name in self.servers}
            known = [value for value in found.values() if value is not None]
            if not known:
                continue
            best = min(known) if less else max(known)
            cells = []
            for name in self.servers:
                value = found[name]
                mark = ' class="best"' if value == best and len(known) > 1 else ""
                cells.append(f"<td{mark}>{'' if value is None else number(value / divisor)}</td>")
            rows.append(f"<tr><td>{html.escape(step)}</td>{''.join(cells)}</tr>")
        names = "".join(f"<th>{html.escape(name)}</th>" for name in self.servers)
        title = f"{heading} ({unit})" if unit else heading
        return (
            f"<div><h3>{title}</h3><p class=quiet>{'Less' if less else 'More'} is better; the best is marked.</p>"
            f"<table><tr><th></th>{names}</tr>{''.join(rows)}</table></div>"
        )

    def bar_plots(self, figure, heading):
        field, _, unit, divisor, _ = figure
        plots = []
        for step in self.steps:
            rows = []
            for name in self.servers:
                values = [value / divisor for value in self.values(step, name, field)]
                if values:
                    rows.append(
                        (name, statistics.median(values), min(values), max(values), self.colours[name])
                    )
            if rows:
                plots.append(self.plot(step, svg.bars(f"{heading}: {step}", rows, unit)))
        return f"<h2>{heading}</h2>{self.key()}<div class=plots>{''.join(plots)}</div>"

    def latency_plots(self):
        plots = []
        for step in self.steps:
            rows = []
            for name in self.servers:
                points = [self.median(step, name, f) for f in ("p50_us", "p90_us", "p99_us", "p999_us")]
                if None not in points:
                    rows.append((name, points, self.colours[name]))
            if rows:
                plots.append(self.plot(step, svg.spans(f"latency: {step}", rows, "us")))
        return (
            f"<h2>Latency</h2>{self.key()}<p class=quiet>From left to right: p50 (large dot), p90, p99 "
            "(white dot), p99.9 (small dot, with its figure), in microseconds on a logarithmic axis.</p>"
            f"<div class=plots>{''.join(plots)}</div>"
        )

    def time_plots(self):
        plots = []
        for step in self.steps:
            rates, tails, marks = [], [], set()
            for name in self.servers:
                runs = [run for run in self.runs(step, name) if run.get("seconds")]
                if runs:
                    run = runs[0]
                    whole = run["seconds"][:-1] or run["seconds"]  # the last second is cut short
                    rates.append((name, self.curve(whole, "count"), self.colours[name]))
                    tails.append(
                        (name, [(x, y / 1000) for x, y in self.curve(whole, "p99_us")], self.colours[name])
                    )
                    marks |= {run["compact_at_s"]} if "compact_at_s" in run else set()
            if rates:
                note = ", dashed: the compaction begins" if marks else ""
                plots.append(self.plot(f"{step}: requests per second{note}", svg.lines(step, rates, "/s", marks)))
                plots.append(self.plot(f"{step}: p99 latency{note}", svg.lines(step, tails, "ms", marks)))
        return (
            f"<h2>Over time</h2>{self.key()}<p class=quiet>The first round, second by second.</p>"
            f"<div class=plots>{''.join(plots)}</div>"
        )

    @staticmethod
    def curve(seconds, field):
        return [(index + 1, second[field]) for index, second in enumerate(seconds)]

    @staticmethod
    def plot(caption, drawing):
        return f"<figure><h3>{html.escape(caption)}</h3>{drawing}</figure>"

    def compaction(self):
        """How much a compaction lengthens the tail of the puts beside it."""
        rows = []
        for name in self.servers:
            quiet = self.median("overwrite", name, "p99_us")
            busy = self.median("compaction under load", name, "p99_us")
            took = self.median("compaction under load", name, "compact_seconds")
            if quiet and busy and took is not None:
                rows.append(
                    f"<tr><td>{html.escape(name)}</td><td>{number(took)}</td><td>{number(quiet)}</td>"
                    f"<td>{number(busy)}</td><td>{busy / quiet:.2f}x</td></tr>"
                )
        return (
            "<h2>Compaction under load</h2><p class=quiet>All history up to the newest revision, while puts go "
            "on at full speed.</p><table><tr><th></th><th>compaction, s</th><th>put p99 without, us</th>"
            f"<th>put p99 with, us</th><th>ratio</th></tr>{''.join(rows)}</table>"
        )

    def pipeline(self):
        """What an engine costs in the server, and alone."""
        rows = []
        for one in self.result.get("pipeline", ()):
            cells = []
            for unit in ("us", "cpu_us"):
                wanted = one[f"pipeline_{unit}"] + one[f"alone_{unit}"]
                reached = one[f"reached_{unit}"]
                cells += [number(one[f"pipeline_{unit}"]), number(one[f"alone_{unit}"]), number(wanted),
                          number(reached), f"{100 * wanted / reached:.0f} %"]
            rows.append(
                f"<tr><td>{html.escape(one['engine'])}, {one['operation']}</td>"
                + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
            )
        if not rows:
            return ""
        return (
            "<h2>What is the engine's, and what the pipeline's</h2><p class=quiet>Microseconds per request, first as "
            "the rates tell, then of CPU time. The pipeline is a server on the built-in engine mem, less what mem "
            "takes alone; alone is the micro-benchmark on the same records, the engine's own threads included; "
            "reached is how much of the rate that both allow, one behind the other, the server has (more than 100 %: "
            "they work at the same time, or the server spares the engine work, as its cache does for gets). Alone, an "
            "engine that merges ends with merges left to do, whose CPU time is missing there.</p>"
            "<table><tr><th></th><th colspan=5>by rate</th><th colspan=5>by CPU time</th></tr><tr><th></th>"
            + 2 * "<th>pipeline</th><th>engine alone</th><th>sum</th><th>in the server</th><th>reached</th>"
            + f"</tr>{''.join(rows)}</table>"
        )

    def setting(self):
        result = self.result
        machine = "".join(
            f"<tr><td>{html.escape(key)}</td><td style='text-align:left'>{html.escape(str(value))}</td></tr>"
            for key, value in result["machine"].items()
        )
        servers = "".join(
            f"<tr><td>{html.escape(one['name'])}</td><td style='text-align:left'><code>"
            f"{html.escape(' '.join(one['flags'])) or 'defaults'}</code></td></tr>"
            for one in result["servers"]
        )
        steps = "".join(
            f"<tr><td>{html.escape(one['name'])}</td><td style='text-align:left'>{html.escape(one['what'])}"
            f"<br><code>{html.escape(' '.join(one['arguments']))}</code></td></tr>"
            for one in result["steps"]
        )
        return (
            f"<h2>Setting</h2><p>Made with <code>{html.escape(result['command'])}</code>. Every single figure is "
            "in <a href=result.json>result.json</a> and <a href=result.csv>result.csv</a>. Servers run with their "
            "defaults but for what is listed; etcd and Quorate sync their log before they answer a put. Disk "
            "bytes are what the kernel counts for the process (/proc/pid/io), memory is resident (of engines "
            f"that map their file, the mapped pages too).</p><h3>Machine and versions</h3><table>{machine}</table>"
            f"<h3>Servers</h3><table>{servers}</table><details open><summary>Steps, in their order, with the "
            f"arguments of quorate-load</summary><table>{steps}</table></details>"
        )

    def html(self):
        tables = "".join(self.table(figure) for figure in FIGURES)
        parts = [self.head(), self.winners(), f"<h2>In figures</h2><div class=tables>{tables}</div>"]
        parts += [
            self.bar_plots(FIGURES[0], "Throughput"),
            self.latency_plots(),
            self.time_plots(),
            self.compaction(),
            self.pipeline(),
            self.bar_plots(FIGURES[3], "Server CPU per request"),
            self.bar_plots(FIGURES[5], "Memory"),
            self.bar_plots(FIGURES[6], "Disk bytes written per byte put"),
            self.bar_plots(FIGURES[7], "Size on disk after each step"),
            self.setting(),
        ]
        return (
            "<!DOCTYPE html><html lang=en><meta charset=utf-8><meta name=viewport "
            'content="width=device-width"><title>Quorate: storage engines side by side</title>'
            f"<style>{STYLE}</style><body>{''.join(parts)}</body></html>\n"
        )


def number(value):
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def write_html(path, result):
    with open(path, "w") as out:
        out.write(Report(result).html())
