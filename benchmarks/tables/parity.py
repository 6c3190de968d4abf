"""Parity as rows of text."""

from __future__ import annotations

from edgesr.benchmarks.jobs import NOT_RUN
from edgesr.benchmarks.parity.check import GoldenParity
from edgesr.benchmarks.parity.results import ParityResult, ParityResults
from edgesr.benchmarks.results.rows import distinct_label, label
from edgesr.benchmarks.tables.execution import execution_lines
from edgesr.benchmarks.tables.table import DASH, Table
from edgesr.runtimes.bundle.contract import REFERENCES

_NONE = "none"


def parity_table(results: ParityResults) -> Table:
    """One row an artifact: its worst golden in each metric; "bilinear dB" is of the golden with the worst PSNR.

    "exact dB" is the worst PSNR of exact arithmetic, "none" where a runtime has none; "CPU vs exact" the CPU's largest
    difference from it.
    """
    columns = (
        "artifact",
        "runtime",
        "goldens",
        "worst PSNR dB",
        "bilinear dB",
        "exact dB",
        "CPU vs exact",
        "max error",
        "mean shift",
        "border error",
        "result",
    )
    return Table(
        "Parity, worst golden (errors on the 0..255 scale)", columns, tuple(_parity_row(r) for r in results.results)
    )


def matrix_results(results: ParityResults) -> list[ParityResult]:
    """The results that have a row in the matrix; each of the others has a line with the reason why it was not
    measured.
    """
    return [r for r in results.results if r.parity is not None or r.status == NOT_RUN]


def golden_table(results: ParityResults) -> Table:
    """The parity matrix: PSNR in dB of every artifact on every golden, or that its runtime does not run here."""
    shown = matrix_results(results)
    goldens = dict.fromkeys((g.golden, g.k) for r in shown if r.parity for g in r.parity.goldens)
    columns = ("artifact", *(golden if k is None else f"{golden}\nk {k:.2g}" for golden, k in goldens))
    keys = [r.key for r in shown]
    rows = tuple((distinct_label(r.key, keys), *(_golden_cell(r, golden) for golden, _ in goldens)) for r in shown)
    return Table(f"Parity matrix: PSNR dB against {REFERENCES[results.reference]}", columns, rows)


def execution_notes(results: ParityResults) -> list[str]:
    """Lines that tell what ran the operators of each artifact, if its runtime tells it."""
    return execution_lines((r.key, r.parity.execution) for r in results.results if r.parity is not None)


def own_tolerances(results: ParityResults) -> list[str]:
    """One line for every artifact whose runtime has fast kernels with a tolerance of their own, with both errors."""
    return [
        f"{label(result.key)} ({result.key.engine}): its fast kernels have a tolerance of their own, "
        f"{own.min_psnr_db:g} dB and max error {own.max_abs_error:g}{_exact_error(result)}"
        for result in results.results
        if result.parity is not None and (own := result.parity.own_tolerance) is not None
    ]


def difference_causes(results: ParityResults) -> list[str]:
    """One line for every artifact that this CPU computes otherwise than exact arithmetic does, with the reason."""
    lines = []
    for result in results.results:
        if result.parity is not None and result.parity.difference_cause is not None:
            largest = _host_vs_exact(result.parity.goldens)
            lines.append(
                f"{label(result.key)} ({result.key.engine}) differs from exact arithmetic by up to {largest}: "
                f"{result.parity.difference_cause}"
            )
    return lines


def _parity_row(result: ParityResult) -> tuple[str, ...]:
    key = result.key
    if result.parity is None:
        return (label(key), key.engine, *[DASH] * 8, result.status)
    goldens = result.parity.goldens
    worst = min(goldens, key=_psnr_order)
    shifts = [abs(s) for g in goldens for s in g.mean_shift]
    return (
        label(key),
        key.engine,
        str(len(goldens)),
        _psnr(worst),
        _bilinear(worst),
        _NONE if result.parity.lacks_exact else _exact_psnr(goldens),
        _host_vs_exact(goldens),
        _largest([g.max_abs_error for g in goldens]),
        _largest([*shifts]),
        _largest([g.border_max_abs_error for g in goldens]),
        "pass" if result.passed else "FAIL",
    )


def _exact_error(result: ParityResult) -> str:
    """The error in exact arithmetic, if the runtime has that; runners other than edgesr's do not."""
    if result.parity is None or result.parity.lacks_exact:
        return ""
    largest = _largest([golden.exact_max_abs_error for golden in result.parity.goldens])
    return f"; exact arithmetic has the tolerance of all runtimes, and max error {largest}"


def _golden_cell(result: ParityResult, golden_id: str) -> str:
    if result.parity is None:
        return result.status
    if golden_id in result.parity.not_run:
        return NOT_RUN
    found = [g for g in result.parity.goldens if g.golden == golden_id]
    return _psnr(found[0]) if found else DASH


def _psnr_order(golden: GoldenParity) -> float:
    if golden.psnr_db is None:
        return float("inf") if golden.max_abs_error == 0 else float("-inf")
    return golden.psnr_db


def _psnr(golden: GoldenParity) -> str:
    if golden.psnr_db is None:
        return "exact" if golden.max_abs_error == 0 else "not finite"
    return f"{golden.psnr_db:.1f}"


def _bilinear(golden: GoldenParity) -> str:
    return "exact" if golden.bilinear_psnr_db is None else f"{golden.bilinear_psnr_db:.1f}"


def _exact_psnr(goldens: tuple[GoldenParity, ...]) -> str:
    known = [g.exact_psnr_db for g in goldens if g.exact_psnr_db is not None]
    if known:
        return f"{min(known):.1f}"
    return DASH if all(g.exact_max_difference is None for g in goldens) else "exact"


def _host_vs_exact(goldens: tuple[GoldenParity, ...]) -> str:
    known = [g.exact_max_difference for g in goldens if g.exact_max_difference is not None]
    return f"{max(known):.2g}" if known else DASH


def _largest(values: list[float | None]) -> str:
    return "not finite" if not values or None in values else f"{max(v for v in values if v is not None):.2g}"
