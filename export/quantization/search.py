"""Which layers stay in float: the fewest that keep a budget of PSNR and channel-mean shift, by measured sensitivity.

1. All operators in int8, then the convolutions only, ranges by percentile or least squares, as measured: if the budget
   is kept, no layer is ranked.
2. Every convolution alone in int8 ranks them; the most sensitive stay in float, one more at a time, until the budget is
   kept; then each is tried in int8 again, the least sensitive first.

Measured on the final SR image of the selection tiles, in exact Q/DQ arithmetic, against the float32 graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import get_args

import numpy as np
import onnx

from edgesr.benchmarks.parity.comparison import ONE_LEVEL_PSNR_DB
from edgesr.benchmarks.quality.metrics import channel_mean_shift, psnr
from edgesr.export.graphs.onnx_graph import layer_names, mac_shares, runner, weighted_nodes
from edgesr.export.quantization.bias_correction import correct_biases
from edgesr.export.quantization.plan import Budget, Measured, Plan, Range
from edgesr.export.quantization.quantize_onnx import quantize_onnx, with_biases
from edgesr.export.quantization.ranges import choose_range, collect_histograms, image_ranges
from edgesr.export.quantization.weight_rounding import LEVELS_7BIT, LEVELS_8BIT, round_weights
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.calibrated_quantization import RangeMethod, Scope, Sensitivity
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.wording import counted

LEAST_INT8_SHARE = 0.5
_BIAS_TILES = 9
_FLAT_SIDE = 48
_AUTOMATIC: tuple[RangeMethod, ...] = ("percentile", "mse")
Finish = Callable[[FloatArray, FloatArray], FloatArray]


class Planner:
    """Searches a plan for one float tile graph. ``finish`` makes the SR image of an LR tile and its residual."""

    def __init__(
        self,
        model: onnx.ModelProto,
        tiles: Sequence[FloatArray],
        selection: Sequence[FloatArray],
        finish: Finish,
        notify: Callable[[str], None],
    ) -> None:
        self._model = model
        self._tiles = tiles
        self._finish = finish
        self._notify = notify
        self._layers = [node.name for node in weighted_nodes(model)]
        self._labels = layer_names(model)
        self._shares = mac_shares(model)
        self._selection = self._telling(model, selection)
        self._references = self._sr_images(model, self._selection, exact=False)
        tensors = list(dict.fromkeys(name for n in model.graph.node for name in (n.input[0], *n.output)))
        histograms = collect_histograms(model, tensors, tiles)
        fixed = image_ranges(model, tensors)
        self._ranges: dict[RangeMethod, dict[str, Range]] = {
            method: {name: choose_range(h, method) for name, h in histograms.items()} | fixed
            for method in get_args(RangeMethod)
        }

    def search(self, budget: Budget, method: RangeMethod | None = None) -> Plan:
        """The plan with the fewest float layers that keeps the budget; an InputError where none does."""
        methods = _AUTOMATIC if method is None else (method,)
        for scope in get_args(Scope):
            plan = self._try(scope, (), methods, budget)
            self._notify(f"int8, {_SCOPES[scope]}, {plan.range_method} ranges: {_measured(plan).describe()}")
            if _measured(plan).keeps(budget):
                return self._finished(plan)
        ranking = self._rank(plan)
        plan = replace(self._mixed(ranking, methods, budget), sensitivity=ranking)
        return self._finished(plan)

    def _try(self, scope: Scope, float_layers: tuple[str, ...], methods: Sequence[RangeMethod], budget: Budget) -> Plan:
        """The best of these ways to choose ranges, with biases corrected where PSNR leaves the budget a chance."""
        plans = [
            self._measured_plan(
                Plan(
                    scope=scope,
                    range_method=method,
                    ranges=self._ranges[method],
                    labels=self._labels,
                    float_layers=float_layers,
                )
            )
            for method in methods
        ]
        enough = [plan for plan in plans if _measured(plan).mean_psnr_db >= budget.min_psnr_db]
        corrected = [self._corrected(plan, budget) for plan in enough]
        kept = [plan for plan in corrected if _measured(plan).keeps(budget)]
        return max(kept or corrected or plans, key=lambda plan: _measured(plan).order())

    def _mixed(self, ranking: Sequence[Sensitivity], methods: Sequence[RangeMethod], budget: Budget) -> Plan:
        by_name = {label: node for node, label in self._labels.items()}
        order = [by_name[s.layer] for s in ranking]
        reached = "no layer may stay in float"
        for count in range(1, len(order) + 1):
            if self._int8_share(order[:count]) < LEAST_INT8_SHARE:
                break
            plan = self._try("conv", tuple(order[:count]), methods, budget)
            reached = f"{counted(count, 'layer')} in float: {_measured(plan).describe()}"
            self._notify(f"{reached}, {plan.range_method} ranges")
            if _measured(plan).keeps(budget):
                return self._fewer(plan, budget)
        raise InputError(
            f"--int8-min-psnr {budget.min_psnr_db:g} with --int8-max-shift {budget.max_shift:g} cannot be kept with "
            f"half of the work in int8 ({reached}); "
            "lower the budget, give other --calibration photographs, or export w8a16 or fp16"
        )

    def _fewer(self, plan: Plan, budget: Budget) -> Plan:
        """Without those float layers that the budget does not need, the least sensitive tried first."""
        for layer in plan.float_layers[-2::-1]:
            fewer = tuple(name for name in plan.float_layers if name != layer)
            candidate = self._try("conv", fewer, (plan.range_method,), budget)
            if _measured(candidate).keeps(budget):
                plan = candidate
        return plan

    def _rank(self, plan: Plan) -> tuple[Sensitivity, ...]:
        found = []
        for layer in self._layers:
            others = tuple(name for name in self._layers if name != layer)
            quality = self._measure(replace(plan, float_layers=others, biases={})).mean_psnr_db
            found.append(Sensitivity(layer=self._labels[layer], psnr_db=quality, mac_share=self._shares[layer]))
        return tuple(sorted(found, key=lambda s: s.psnr_db))

    def _int8_share(self, float_layers: Sequence[str]) -> float:
        return 1.0 - sum(self._shares[layer] for layer in float_layers)

    def _measured_plan(self, plan: Plan) -> Plan:
        return replace(plan, measured=self._measure(plan))

    def _corrected(self, plan: Plan, budget: Budget) -> Plan:
        """With corrected biases, if those measure better: rounding that keeps sums leaves them little to do."""
        corrected = self._measured_plan(replace(plan, biases=self._correct(plan, reduced_range=True)))
        before, after = ((_measured(p).keeps(budget), _measured(p).mean_psnr_db) for p in (plan, corrected))
        return corrected if after > before else plan

    def _finished(self, plan: Plan) -> Plan:
        """With what weights of 8 bits need: corrected biases, if those measure better."""
        corrected = replace(plan, biases_8bit=self._correct(plan, reduced_range=False))
        before, after = (self._measure(p, reduced_range=False) for p in (plan, corrected))
        better, measured = (corrected, after) if after.mean_psnr_db > before.mean_psnr_db else (plan, before)
        return replace(better, measured_8bit=measured, int8_mac_share=self._int8_share(plan.float_layers))

    def _correct(self, plan: Plan, *, reduced_range: bool) -> dict[str, FloatArray]:
        layers = [name for name in self._layers if name not in plan.float_layers or name == self._layers[-1]]
        step = max(len(self._tiles) // _BIAS_TILES, 1)
        return correct_biases(
            self._model,
            lambda model: apply_plan(model, replace(plan, biases={}, biases_8bit={}), reduced_range=reduced_range),
            layers,
            self._tiles[::step],
        )

    def _measure(self, plan: Plan, *, reduced_range: bool = True) -> Measured:
        quantized = apply_plan(self._model, plan, reduced_range=reduced_range)
        images = self._sr_images(quantized, self._selection, exact=True)
        pairs = list(zip(images, self._references, strict=True))
        quality = [psnr(image, reference) for image, reference in pairs]
        shifts = [abs(s) for image, reference in pairs for s in channel_mean_shift(image, reference)]
        return Measured(
            mean_psnr_db=float(np.mean(quality)),
            worst_psnr_db=min(quality),
            max_mean_shift=max(shifts),
            keeps_flat=self._keeps_flat(quantized),
        )

    def _telling(self, model: onnx.ModelProto, tiles: Sequence[FloatArray]) -> list[FloatArray]:
        """Tiles that the network changes visibly: where it does nothing, nothing can be lost."""
        run = runner(model)
        found = []
        for tile in tiles:
            residual = next(iter(run(tile).values()))[0]
            if psnr(self._finish(tile, residual), self._finish(tile, np.zeros_like(residual))) < ONE_LEVEL_PSNR_DB:
                found.append(tile)
        if not found:
            raise InputError(
                "the network leaves every selection tile as it is: give --calibration photographs with detail"
            )
        return found

    def _keeps_flat(self, quantized: onnx.ModelProto) -> bool:
        """The flat-tile rule of parity, on mid grey."""
        tile = np.full((3, _FLAT_SIDE, _FLAT_SIDE), 128, dtype=np.float32)
        (expected,) = self._sr_images(self._model, [tile], exact=False)
        (image,) = self._sr_images(quantized, [tile], exact=True)
        bilinear = self._finish(tile, np.zeros_like(expected))
        return psnr(image, expected) >= min(psnr(bilinear, expected), ONE_LEVEL_PSNR_DB)

    def _sr_images(self, model: onnx.ModelProto, tiles: Sequence[FloatArray], *, exact: bool) -> list[FloatArray]:
        run = runner(model, exact=exact)
        return [self._finish(tile, next(iter(run(tile).values()))[0]) for tile in tiles]


def _measured(plan: Plan) -> Measured:
    assert plan.measured is not None
    return plan.measured


_SCOPES: Mapping[Scope, str] = {"all": "all operators", "conv": "convolutions only"}


def apply_plan(model: onnx.ModelProto, plan: Plan, *, reduced_range: bool = True) -> onnx.ModelProto:
    """The Q/DQ form of a float tile graph by a plan."""
    return quantize_onnx(
        planned_weights(model, plan, reduced_range=reduced_range),
        plan.ranges,
        scope=plan.scope,
        float_layers=plan.float_layers,
        reduced_range=reduced_range,
    )


def planned_weights(model: onnx.ModelProto, plan: Plan, *, reduced_range: bool) -> onnx.ModelProto:
    """The float model with a plan's biases, and the weights of its int8 layers on their grid of 7 or 8 bits."""
    layers = [node.name for node in weighted_nodes(model) if node.name not in plan.float_layers]
    rounded = round_weights(model, layers, LEVELS_7BIT if reduced_range else LEVELS_8BIT)
    return with_biases(rounded, plan.biases if reduced_range else plan.biases_8bit)
