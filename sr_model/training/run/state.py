"""Everything that a resumed run needs, as one flat mapping of names to tensors."""

from __future__ import annotations

import io
from pathlib import Path

import torch
from torch import Tensor, nn

from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.files import write_atomically
from edgesr.sr_model.generators.generator import Generator
from edgesr.sr_model.generators.published import read_state
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.cyclic_gan.degrader import Degrader
from edgesr.sr_model.training.cyclic_gan.discriminators import HRDiscriminator, LRDiscriminator
from edgesr.sr_model.training.moving_average import MovingAverage
from edgesr.sr_model.training.over_parameterised import merged, over_parameterised
from edgesr.sr_model.training.run.settings import RunSettings
from edgesr.sr_model.training.run.state_layout import (
    AVERAGED,
    SECONDS,
    SETTINGS,
    STEP,
    Expected,
    of_adam,
    of_module,
    require_layout,
    require_settings,
    seconds_of,
    settings_tensor,
    step_of,
)

_BETAS = (0.9, 0.999)
_EPSILON = 1e-8
_ADVICE = "delete it, and the run starts anew, or give another output folder"


class Adversary:
    """The networks that only the GAN phase has, and its optimizers."""

    def __init__(self, generator: Generator, config: TrainConfig, device: torch.device) -> None:
        torch.manual_seed(config.seed + 1)
        scale = generator.config.scale
        self.degrader = Degrader(scale).to(device)
        self.lr_discriminator = LRDiscriminator().to(device)
        self.hr_discriminator = HRDiscriminator(config.patch_size * scale).to(device)
        self.generators_optimizer = _adam([generator, self.degrader], config.gan_learning_rate)
        self.discriminators_optimizer = _adam([self.lr_discriminator, self.hr_discriminator], config.gan_learning_rate)

    def modules(self) -> dict[str, nn.Module]:
        """Networks by the name they are saved under."""
        return {
            "degrader": self.degrader,
            "lr_discriminator": self.lr_discriminator,
            "hr_discriminator": self.hr_discriminator,
        }

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Optimizers by the name they are saved under."""
        return {
            "generators_optimizer": self.generators_optimizer,
            "discriminators_optimizer": self.discriminators_optimizer,
        }


class TrainState:
    """Generator, its moving average, optimizer moments, updates done; in the GAN phase the adversary."""

    def __init__(self, generator: Generator, config: TrainConfig, device: torch.device) -> None:
        self.config = config
        self.device = device
        trained = over_parameterised(generator)
        self.generator: Generator = trained.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = MovingAverage(self.generator, config.ema_decay)
        self.optimizer = _adam([self.generator], config.learning_rate)
        self.adversary: Adversary | None = None
        self.step = 0
        self.seconds = 0.0

    @property
    def averaged_generator(self) -> Generator:
        """The generator whose parameters are the moving average, in evaluation mode, in its exported form."""
        assert isinstance(self.average.module, Generator)
        return merged(self.average.module)

    def finish_update(self) -> None:
        """Count an update, after the optimizers have done theirs."""
        self.average.update(self.generator)
        self.step += 1

    def begin_gan_phase(self) -> Adversary:
        """The adversary, new unless it was restored."""
        if self.adversary is None:
            self.adversary = Adversary(self.generator, self.config, self.device)
        return self.adversary

    def require_finite(self, path: Path) -> None:
        """Raise an EdgesrError that names the file which keeps the last good state, unless every number is finite."""
        flat = self._flat()
        if not all(value.isfinite().all() for value in flat.values() if value.is_floating_point()):
            raise EdgesrError(
                f"step {self.step}: a parameter is not finite; {path} keeps the last good state, use a lower rate"
            )

    def save(self, path: Path, settings: RunSettings) -> None:
        """Write the state whole or not at all, and with it the settings of its run."""
        buffer = io.BytesIO()
        torch.save(self._flat() | {SETTINGS: settings_tensor(settings)}, buffer)
        write_atomically(path, buffer.getvalue())

    def _flat(self) -> dict[str, Tensor]:
        flat = {STEP: torch.tensor(self.step)}
        if self.config.minutes is not None:
            flat[SECONDS] = torch.tensor(self.seconds, dtype=torch.float64)
        for prefix, module in self._modules().items():
            flat |= {f"{prefix}.{name}": value for name, value in module.state_dict().items()}
        for prefix, optimizer in self._optimizers().items():
            for index, moments in optimizer.state_dict()["state"].items():
                flat |= {f"{prefix}.{index}.{name}": value for name, value in moments.items()}
        return flat

    def restore(self, path: Path, settings: RunSettings) -> None:
        """Read what `save` wrote in a run of these settings; anything else is an InputError.

        States of edgesr 0.1.0 do not hold the settings of their run; all else is required of them too.
        """
        flat = read_state(path, advice=_ADVICE)
        try:
            require_settings(flat, settings)
            self.step = step_of(flat, self.config.total_limit)
            if self.config.minutes is not None:
                self.seconds = seconds_of(flat)
            if self.step > self.config.l1_limit:
                self.begin_gan_phase()
            require_layout(flat, self._expected())
        except ValueError as error:
            raise InputError(f"{path}: no state of this run, or damaged: {error}; {_ADVICE}") from error
        for prefix, module in self._modules().items():
            module.load_state_dict(_below(flat, prefix), strict=True)
        for prefix, optimizer in self._optimizers().items():
            optimizer.load_state_dict({**optimizer.state_dict(), "state": _moments(_below(flat, prefix))})

    def _expected(self) -> dict[str, Expected]:
        """All tensors of a state after ``step`` updates; Adam counts the updates of its phase."""
        expected: dict[str, Expected] = {}
        for prefix, module in self._modules().items():
            expected |= of_module(prefix, module)
        updates = {"optimizer": min(self.step, self.config.l1_limit)}
        for prefix, optimizer in self._optimizers().items():
            expected |= of_adam(prefix, optimizer, updates.get(prefix, self.step - self.config.l1_limit))
        expected[f"average.{AVERAGED}"] = Expected((), torch.int64, exactly=self.step)
        return expected

    def _modules(self) -> dict[str, nn.Module]:
        own: dict[str, nn.Module] = {"generator": self.generator, "average": self.average}
        return own | (self.adversary.modules() if self.adversary else {})

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        own: dict[str, torch.optim.Optimizer] = {"optimizer": self.optimizer}
        return own | (self.adversary.optimizers() if self.adversary else {})


def _adam(modules: list[nn.Module], learning_rate: float) -> torch.optim.Adam:
    """Adam; on CUDA in the form that a recorded update needs: rate and count are tensors on the device."""
    parameters = [p for module in modules for p in module.parameters()]
    if not parameters[0].is_cuda:
        return torch.optim.Adam(parameters, lr=learning_rate, betas=_BETAS, eps=_EPSILON)
    rate = torch.tensor(learning_rate, device=parameters[0].device)
    return torch.optim.Adam(parameters, lr=rate, betas=_BETAS, eps=_EPSILON, capturable=True)


def _below(flat: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {name.removeprefix(start): value for name, value in flat.items() if name.startswith(start)}


def _moments(flat: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in flat.items():
        index, field = name.split(".")
        moments.setdefault(int(index), {})[field] = value
    return moments
