"""The choice of the layers that stay in float: the fewest that keep a budget of PSNR and channel-mean shift, by
measured sensitivity.

1. All operators in int8, then the layers only, ranges by percentile or least squares, as measured: if the budget is
   kept, no layer is ranked.
2. Every layer alone in int8 ranks them. Twice as many of the most sensitive stay in float each time, until the budget
   is kept; the least number is then found between the last two, and each is tried in int8 again, the least sensitive
   first.
3. A budget that no plan keeps with half of the work in int8 is told, and the best plan that was tried is given.

Measured on the final SR image of the selection tiles, in exact Q/DQ arithmetic, against the float32 graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import get_args

import onnx

from edgesr.export.graphs.onnx_graph import is_grouped_transposed, layer_names, mac_shares, weight_sizes, weighted_nodes
from edgesr.export.quantization.bias_correction import correct_biases
from edgesr.export.quantization.plan import LEAST_INT8_SHARE, AskedBudget, Budget, Measured, Plan
from edgesr.export.quantization.planning.application import apply_plan
from edgesr.export.quantization.planning.bisection import least_accepted
from edgesr.export.quantization.planning.fidelity import Base, Fidelity, Finish
from edgesr.export.quantization.planning.quality_loss import QualityLoss
from edgesr.export.quantization.planning.range_choices import RangeChoices
from edgesr.export.quantization.planning.ranking import rank
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.calibrated_quantization import RangeMethod, Scope, Sensitivity
from edgesr.runtimes.wording import counted

_BIAS_TILES = 9
_FEW_LAYERS = 16
_MOST_RETURNED = 8
_AUTOMATIC: tuple[RangeMethod, ...] = ("percentile", "mse")
_SCOPES: Mapping[Scope, str] = {"all": "all operators", "conv": "layers only"}


class Planner:
    """Searches a plan for one float tile graph.

    ``finish`` makes the SR image of an LR tile and what the graph gives for it, ``base`` the tile's bilinear
    upsampling. ``gives_picture``: the graph's output is the picture and no residual. ``photographs``: LR (c,h,w) and HR
    (c,s*h,s*w) images for a budget of quality.
    """

    def __init__(
        self,
        model: onnx.ModelProto,
        tiles: Sequence[FloatArray],
        selection: Sequence[FloatArray],
        finish: Finish,
        base: Base,
        notify: Callable[[str], None],
        *,
        gives_picture: bool = False,
        photographs: Sequence[tuple[FloatArray, FloatArray]] = (),
    ) -> None:
        self._model = model
        self._tiles = tiles
        self._notify = notify
        size = tiles[0].shape[1:]
        nodes = weighted_nodes(model)
        self._layers = [node.name for node in nodes]
        self._fixed = tuple(node.name for node in nodes if is_grouped_transposed(node))
        self._labels = layer_names(model)
        self._shares = mac_shares(model, size)
        self._sizes = weight_sizes(model)
        self._fidelity = Fidelity(model, selection, finish, base, gives_picture=gives_picture)
        self._loss = QualityLoss(model, photographs, finish) if photographs else None
        self._ranges = RangeChoices(model, tiles, gives_picture=gives_picture)

    def search(self, asked: AskedBudget | Budget, method: RangeMethod | None = None) -> Plan:
        """The plan with the fewest float layers that keeps the budget, or else the best one, with what it missed."""
        budget = asked if isinstance(asked, Budget) else asked.budget(self._fidelity.base_psnr_db)
        methods = _AUTOMATIC if method is None else (method,)
        tried: list[Plan] = []
        for scope in get_args(Scope):
            plan = self._try(scope, (), methods, budget)
            tried.append(plan)
            self._notify(f"int8, {_SCOPES[scope]}, {plan.range_method} ranges: {_measured(plan).describe()}")
            if self._is_good(plan, budget):
                return self._finished(plan, budget)
        order, ranking = self._rank(plan)
        if len(self._layers) > _FEW_LAYERS:
            methods = (plan.range_method,)
        return self._finished(replace(self._mixed(tried, order, methods, budget), sensitivity=ranking), budget)

    def _try(self, scope: Scope, float_layers: tuple[str, ...], methods: Sequence[RangeMethod], budget: Budget) -> Plan:
        """The best of these ways to choose ranges, with biases corrected where only the shift misses the budget."""
        plans = [
            self._measured_plan(
                Plan(
                    scope=scope,
                    range_method=method,
                    ranges=self._ranges.by(method),
                    labels=self._labels,
                    float_layers=(*self._fixed, *float_layers),
                    weight_sizes=self._sizes,
                    budget=budget,
                )
            )
            for method in methods
        ]
        if not any(_measured(plan).keeps_flat for plan in plans):
            plans += self._widened(max(plans, key=_order))
        if not any(_measured(plan).keeps(budget) for plan in plans):
            enough = [plan for plan in plans if _measured(plan).mean_psnr_db >= budget.min_psnr_db]
            plans = [self._corrected(plan, budget) for plan in enough] or plans
        kept = [plan for plan in plans if _measured(plan).keeps(budget)]
        return max(kept or plans, key=_order)

    def _widened(self, plan: Plan) -> list[Plan]:
        """The plan with ranges that hold black and white, and if that is not enough part of a checkerboard too."""
        found = []
        for ranges in self._ranges.widened(plan.ranges):
            plan = self._measured_plan(replace(plan, ranges=ranges))
            found.append(plan)
            if _measured(plan).keeps_flat:
                break
        return found

    def _mixed(
        self, tried: Sequence[Plan], order: Sequence[str], methods: Sequence[RangeMethod], budget: Budget
    ) -> Plan:
        """The plan with the fewest float layers that is good, or keeps the budget, or else the best that was tried.

        ``order``: layers, the most sensitive first.
        """
        most = sum(self._int8_share(order[: n + 1]) >= LEAST_INT8_SHARE for n in range(len(order)))
        plans = {0: max(tried, key=lambda plan: (_measured(plan).keeps(budget), *_order(plan)))}

        def plan_of(count: int) -> Plan:
            if count not in plans:
                plans[count] = self._try("conv", tuple(order[:count]), methods, budget)
                self._notify(f"{_described(plans[count])}, {plans[count].range_method} ranges")
            return plans[count]

        for accept in (self._is_good, _keeps):

            def accepts(count: int, accept: Callable[[Plan, Budget], bool] = accept) -> bool:
                return accept(plan_of(count), budget)

            if (count := least_accepted(most, accepts)) is not None:
                return self._fewer(plans[count], budget, accept)
        return max(plans.values(), key=_order)

    def _is_good(self, plan: Plan, budget: Budget) -> bool:
        """Whether it keeps the budget, and the flat-tile rule unless the budget is below what the base has anyway."""
        lenient = budget.min_psnr_db < self._fidelity.base_psnr_db
        return _keeps(plan, budget) and (_measured(plan).keeps_flat or lenient)

    def _fewer(self, plan: Plan, budget: Budget, accept: Callable[[Plan, Budget], bool]) -> Plan:
        """The plan without those float layers that the budget does not need, the least sensitive tried first."""
        chosen = [name for name in plan.float_layers if name not in self._fixed]
        for layer in chosen[-2::-1][:_MOST_RETURNED]:
            fewer = tuple(name for name in plan.float_layers if name not in (layer, *self._fixed))
            candidate = self._try("conv", fewer, (plan.range_method,), budget)
            if accept(candidate, budget):
                plan = candidate
        return plan

    def _rank(self, plan: Plan) -> tuple[list[str], tuple[Sensitivity, ...]]:
        """The layers, the most sensitive first, and what is told of them: layers of shared weights have one name."""
        layers = [name for name in self._layers if name not in self._fixed]
        quality = rank(self._model, layers, plan.ranges, self._fidelity, self._notify)
        order = sorted(layers, key=lambda name: quality[name])
        return order, tuple(
            Sensitivity(layer=self._labels[name], psnr_db=quality[name], mac_share=self._shares[name]) for name in order
        )

    def _int8_share(self, float_layers: Sequence[str]) -> float:
        return 1.0 - sum(self._shares[layer] for layer in {*float_layers, *self._fixed})

    def _measured_plan(self, plan: Plan) -> Plan:
        return replace(plan, measured=self._measure(plan))

    def _corrected(self, plan: Plan, budget: Budget) -> Plan:
        """The plan with corrected biases, if those measure better: rounding that keeps sums leaves them little to
        do.
        """
        corrected = self._measured_plan(replace(plan, biases=self._correct(plan, reduced_range=True)))
        return max((plan, corrected), key=lambda p: _preference(p.measured, budget))

    def _finished(self, plan: Plan, budget: Budget) -> Plan:
        """The plan with corrected biases, for weights of 7 bits and of 8, if those measure better, and with what is
        missed.
        """
        plan = plan if plan.biases else self._corrected(plan, budget)
        corrected = replace(plan, biases_8bit=self._correct(plan, reduced_range=False))
        before, after = (self._measure(p, reduced_range=False) for p in (plan, corrected))
        better, measured = (
            (corrected, after) if _preference(after, budget) > _preference(before, budget) else (plan, before)
        )
        return replace(
            better,
            measured_8bit=measured,
            int8_mac_share=self._int8_share(plan.float_layers),
            missed=None if _measured(plan).keeps(budget) else _missed(plan, budget),
        )

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
        measured = self._fidelity.measure(quantized)
        return measured if self._loss is None else replace(measured, drop_db=self._loss.drop_db(quantized))


def _measured(plan: Plan) -> Measured:
    assert plan.measured is not None
    return plan.measured


def _order(plan: Plan) -> tuple[bool, float]:
    return _measured(plan).order()


def _keeps(plan: Plan, budget: Budget) -> bool:
    return _measured(plan).keeps(budget)


def _preference(measured: Measured | None, budget: Budget) -> tuple[bool, bool, float]:
    """The better one of two is larger."""
    assert measured is not None
    quality = measured.mean_psnr_db if measured.drop_db is None else -measured.drop_db
    return measured.keeps(budget), measured.keeps_flat, quality


def _described(plan: Plan) -> str:
    return f"{counted(len(plan.float_layers), 'layer')} in float: {_measured(plan).describe()}"


def _missed(plan: Plan, budget: Budget) -> str:
    return (
        f"{budget.describe()} cannot be kept with "
        f"half of the work in int8 (best: {_described(plan)}); "
        "lower the budget, give other --calibration photographs, or export w8a16 or fp16"
    )
