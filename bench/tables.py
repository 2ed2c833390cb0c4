"""The markdown that bench/record and bench/scaling print, from the figures that they write as JSON."""

from recorders import RECORDERS
from workloads import TARGETS

MEGABYTE = 2**20

# What the figures are to be at most, beside the ratios in workloads.TARGETS.
MAX_BYTES_PER_EVENT = 5.0
MAX_BYTES_PER_EVENT_ZSTD = 1.5
MAX_START_MS = 15.0


def max_peak_rss(native: float) -> float:
    return native * 1.05 + 16 * MEGABYTE


def show(value, form: str, limit: float | None = None) -> str:
    """The figure, in bold if it is over its limit when both are rounded as shown."""
    if value is None:
        return "–"
    text = format(value, form)
    return f"**{text}**" if limit is not None and float(text) > float(format(limit, form)) else text


def markdown(columns: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "| --- |" + " ---: |" * (len(columns) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def heading(document: dict) -> str:
    machine = document["machine"]
    runs = f", medians of {document['runs']} runs" if document.get("runs", 1) > 1 else ""
    scale = f", inputs × {document['scale']:g}" if document["scale"] != 1 else ""
    return (f"{machine['processor']}, {machine['cores']} cores, Linux {machine['kernel']}, {machine['distribution']}; "
            f"medians of {document['rounds']} interleaved rounds{runs}{scale}.")


def record_table(document: dict) -> str:
    names = [name for name in RECORDERS if name in document["recorders"]]
    ratio_names = [name for name in names if name != "jemalloc"]
    titles = {name: RECORDERS[name].title for name in names}
    columns = ["program", "native", "million events", "native ns per event"]
    for name in ratio_names:
        columns.append(f"{titles[name]} ÷ {RECORDERS[name].base}")
        if name == "tidemark":
            columns.append("target")
    with_events = [name for name in ratio_names if RECORDERS[name].base == "native" and name != "tidemark_snapshots"]
    columns.append("more ns per event: " + " / ".join(titles[name] for name in with_events))
    columns.append("peak RSS, MB: native / Tidemark without trace pages / " +
                   " / ".join(titles[name] for name in with_events))
    columns += ["trace, bytes per event", "after zstd -3"]

    rows = []
    for result in document["results"]:
        summary = result["summary"]
        native = summary["native"]

        def of(name, key):
            return summary[name] and summary[name][key]

        def ratio(name, limit):
            return "fails" if summary[name] is None else show(summary[name]["ratio"], ".2f", limit)

        def megabytes(value, limit=None):
            return show(value and value / MEGABYTE, ".0f", limit and limit / MEGABYTE)

        events = summary.get("events")
        row = [result["workload"], f"{native['seconds']:.2f} s", show(events and events / 1e6, ".1f"),
               show(native.get("ns_per_event"), ".0f")]
        for name in ratio_names:
            target = TARGETS.get(result["workload"]) if name == "tidemark" else None
            row.append(ratio(name, target))
            if name == "tidemark":
                row.append("" if target is None else f"≤ {target:.2f}")
        row.append(" / ".join(show(of(name, "ns_per_event"), ".0f") for name in with_events))
        row.append(" / ".join([megabytes(native["peak_rss"]),
                               megabytes(summary.get("peak_rss_without_trace"), max_peak_rss(native["peak_rss"])),
                               *(megabytes(of(name, "peak_rss")) for name in with_events)]))
        row += [show(summary.get("trace_bytes_per_event"), ".1f", MAX_BYTES_PER_EVENT),
                show(summary.get("trace_bytes_per_event_zstd"), ".2f", MAX_BYTES_PER_EVENT_ZSTD)]
        rows.append(row)
    return markdown(columns, rows)


def start_text(start: dict) -> str:
    """One sentence about a program that does nothing."""
    native = start["native"]
    titles = {"tidemark_preloaded": "Tidemark preloaded", "tidemark": "`tidemark run`",
              "tidemark_snapshots": "`tidemark run` with a heap snapshot at its end",
              "heaptrack": "heaptrack", "lsan": "LeakSanitizer"}
    others = [f"{show(start[name] - native, '.1f', MAX_START_MS if name.startswith('tidemark') else None)} ms "
              f"more under {title}" for name, title in titles.items() if name in start]
    return f"`/bin/true` takes {native:.1f} ms, and {', '.join(others)} (target: ≤ {MAX_START_MS:.0f} ms)."


LEGEND = (
    f"Bold: over the target. Targets beside the column of that name: peak RSS without trace pages at most native + 5% "
    f"+ 16 MB, at most {MAX_BYTES_PER_EVENT:g} bytes per event, {MAX_BYTES_PER_EVENT_ZSTD:g} after zstd -3. jemalloc's "
    "sampling is compared with plain jemalloc. Tidemark's figures are without heap snapshots, but for the column that says "
    "so: with those of the default, at exit and as the heap grows, and with waiting for the last one to be written.")


def scaling_table(document: dict) -> str:
    rows = [[str(one["threads"]), f"{one['native_seconds']:.2f} s", f"{one['tidemark_seconds']:.2f} s",
             f"{one['ratio']:.2f}", f"{one['ratio'] / document['results'][0]['ratio'] - 1:+.0%}"]
            for one in document["results"]]
    return markdown(["threads", "native", "Tidemark", "Tidemark ÷ native", "against one thread"], rows)
