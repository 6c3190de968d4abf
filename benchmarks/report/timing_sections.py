"""The sections of a report that tell time, with a plot for each device: trade-off, latency, roofline."""

from __future__ import annotations

from edgesr.benchmarks.jobs import HOST
from edgesr.benchmarks.report import commands, data, summary
from edgesr.benchmarks.report.data import ReportData, ReportFiles
from edgesr.benchmarks.report.figures import latency_figure, roofline_figure, tradeoff_figure
from edgesr.benchmarks.report.section import Plot, Section
from edgesr.benchmarks.report.tradeoff import joined_tradeoffs, tradeoffs
from edgesr.benchmarks.tables.devices import remote_lines
from edgesr.benchmarks.tables.latency import latency_states, latency_table
from edgesr.benchmarks.tables.table import Table
from edgesr.runtimes.wording import counted

_DEVICE = "Device"


def tradeoff_section(found: ReportData, files: ReportFiles) -> Section:
    """Latency, fidelity and size: a plot for each device."""
    root = found.bundle.root
    trades = tradeoffs(found)
    made_by = (
        commands.parity_command(root, files, found.parity),
        commands.latency_command(root, files, found.latency),
    )
    if not trades:
        missing = _no_tradeoff(found)
        return Section(id="tradeoff", title="Latency, fidelity, size", commands=made_by, missing=missing)
    alike = " All devices have the same axes and sizes of points." if len(trades) > 1 else ""
    plots = []
    for number, (device, trade) in enumerate(trades.items()):
        caption = (
            f"{_on(device, found)}Points further left are faster, points further up are nearer to {found.reference}, "
            f"and larger points are larger files; measured with {counted(trade.threads, 'thread')}. "
            "Identical pictures are drawn 6 dB above the highest PSNR. A bar shows where 95 of 100 repeats fall; a "
            "wide one leaves the plot. A ring marks the Pareto front: no other artifact is at least as good in all "
            "three respects and better in one. "
            "Circles run in ONNX Runtime, triangles in OpenVINO, squares in LiteRT, diamonds in TorchScript Lite, "
            f"crosses in others.{alike}"
        )
        figure = tradeoff_figure(trade, trades.values())
        plots.append(Plot(_plot_id("tradeoff-plot", number), caption, figure, device))
    return Section(
        id="tradeoff",
        title="Latency, fidelity, size",
        commands=made_by,
        plots=tuple(plots),
        choice=_DEVICE,
        tables=(joined_tradeoffs(found, trades),),
        notes=tuple(f"{name}: parity was not measured there; PSNR is that of this host" for name in _borrowed(found)),
    )


def _no_tradeoff(found: ReportData) -> str:
    """The reason why there is no trade-off."""
    if found.parity is None or found.latency is None:
        return commands.missing_text(found, "Parity and latency", "--parity and --latency")
    return "No artifact has both: a latency, and a finite parity of the same runtime."


def latency_section(found: ReportData, files: ReportFiles) -> Section:
    """Every timed call: a plot for each device and thread count."""
    made_by = (commands.latency_command(found.bundle.root, files, found.latency),)
    if found.latency is None:
        missing = commands.missing_text(found, "Latency", "--latency")
        return Section(id="latency", title="Latency", commands=made_by, missing=missing)
    devices = data.devices(found)
    plots = []
    for number, device in enumerate(devices):
        for threads in sorted({r.key.threads for r in found.latency.results if r.key.device == device}):
            figure = latency_figure(data.of_device(found, device), threads)
            if figure is not None:
                option = counted(threads, "thread")
                caption = (
                    f"{_on(device, found)}Every timed call at {option}. A box shows quartiles and median of one round, "
                    "which is a fresh process. The slowest artifact is at the bottom."
                )
                option = f"{device}, {option}" if len(devices) > 1 else option
                plots.append(Plot(_plot_id(f"latency-plot-{threads}", number), caption, figure, option))
    return Section(
        id="latency",
        title="Latency",
        commands=made_by,
        plots=tuple(plots),
        choice=f"{_DEVICE} and threads" if len(devices) > 1 else "Threads",
        tables=with_rows(latency_table(found.latency), latency_states(found.latency)),
        notes=(*remote_lines(found.latency.devices), *data.latency_remarks(found.latency)),
    )


def roofline_section(found: ReportData, files: ReportFiles) -> Section:
    """Speed against what each device was measured to do."""
    made_by = (commands.latency_command(found.bundle.root, files, found.latency),)
    figures = {name: roofline_figure(data.of_device(found, name)) for name in data.devices(found)}
    drawn = {name: figure for name, figure in figures.items() if figure is not None}
    if not drawn:
        missing = "No latency file with measured limits of the machine was given: run the command, then use --latency."
        return Section(id="roofline", title="Roofline", commands=made_by, missing=missing)
    plots = []
    for number, (device, figure) in enumerate(drawn.items()):
        caption = (
            f"{_on(device, found)}The speed of each artifact, next to the limits that were measured on this machine: "
            "the slope is memory bandwidth, the flat part a float32 matrix product. int8 kernels may exceed the latter."
        )
        plots.append(Plot(_plot_id("roofline-plot", number), caption, figure, device))
    return Section(
        id="roofline",
        title="Roofline",
        commands=made_by,
        plots=tuple(plots),
        choice=_DEVICE,
        tables=(
            data.table_of_devices(found, summary.limits_table),
            data.table_of_devices(found, summary.roofline_table),
        ),
    )


def with_rows(table: Table, states: Table) -> tuple[Table, ...]:
    """A table, and that of states where its file has any."""
    return (table, states) if states.rows else (table,)


def _plot_id(name: str, number: int) -> str:
    """The id of a device's plot; that of the first device is the name alone."""
    return name if number == 0 else f"{name}-{number + 1}"


def _on(device: str, found: ReportData) -> str:
    """The beginning of a caption: the device, unless all results are of this host."""
    return "" if data.devices(found) == [HOST] else f"On {'this host' if device == HOST else device}. "


def _borrowed(found: ReportData) -> list[str]:
    """Devices that are in the trade-off without parity of their own."""
    return [name for name in tradeoffs(found) if data.of_device(found, name).parity is None]
