"""The sub-command `train`: its options are the settings of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgesr.cli.command import default_of
from edgesr.cli.completion import one_of, presets
from edgesr.cli.terminal import factors, print_lines, shown_progress
from edgesr.cli.training_options import (
    MinutesOption,
    OutputOption,
    PerceptualWeightsOption,
    PhotographsArgument,
    StartOption,
    TeacherOption,
    UnpairedOption,
    ValidationOption,
)
from edgesr.runtimes.wording import counted
from edgesr.sr_model.training.run.resources import DEFAULT_DEVICE, TRAINING_DEVICES

if TYPE_CHECKING:
    from edgesr.sr_model.training.config import LossWeights, TrainConfig


def train(
    photographs: PhotographsArgument,
    *,
    preset: Annotated[str, typer.Option(help="Network to train: {presets}.", autocompletion=one_of(presets))],
    output: OutputOption,
    degradation: Annotated[
        str,
        _setting(
            "degradation",
            "How the low-resolution input is degraded: {degradations}. mix draws one for each image, real imitates "
            "photographs of phones.",
        ),
    ],
    steps: Annotated[int, _setting("steps", "Number of updates in the L1 phase.")],
    gan_steps: Annotated[
        int, _setting("gan_steps", "Number of updates in the GAN phase, which follows; 0 leaves it out.")
    ],
    batch_size: Annotated[int, _setting("batch_size", "Number of patches in an update, over all processes together.")],
    patch_size: Annotated[int, _setting("patch_size", "Side of a low-resolution patch, in pixels.")],
    learning_rate: Annotated[
        float, _setting("learning_rate", "First learning rate of the L1 phase; it falls to --final-learning-rate.")
    ],
    final_learning_rate: Annotated[float, _setting("final_learning_rate", "Last learning rate of the L1 phase.")],
    gan_learning_rate: Annotated[float, _setting("gan_learning_rate", "First learning rate of the GAN phase.")],
    loss_weights: Annotated[
        str,
        _setting(
            "loss_weights",
            "Weights of the losses in the GAN phase: perceptual, adversarial, total_variation, l1, cycle.",
            _loss_weights,
        ),
    ],
    perceptual_block: Annotated[int, _setting("perceptual_block", "VGG block that the perceptual loss uses, 1 to 5.")],
    ema_decay: Annotated[float, _setting("ema_decay", "Decay of the moving average of weights that is written.")],
    luma_weight: Annotated[float, _setting("luma_weight", "Share of luma in the loss of the L1 phase, 0 to 1.")],
    reductions: Annotated[
        str, _setting("reductions", "Also train on copies made smaller by these factors, such as 0.8,0.65.", _numbers)
    ],
    teacher_share: Annotated[
        float, _setting("teacher_share", "Share of the teachers' pictures in the L1 phase's target, above 0 to 1.")
    ],
    seed: Annotated[int, _setting("seed", "Seed of the first weights and of the choice of patches.")],
    validate_every: Annotated[
        int, _setting("validate_every", "Number of updates between two validations; each also saves the run.")
    ],
    precision: Annotated[str, _setting("precision", "Arithmetic of the network: fp32, or bf16 (autocast).")],
    minutes: MinutesOption = None,
    validation: ValidationOption = None,
    unpaired: UnpairedOption = None,
    checkpoint: StartOption = None,
    teacher: TeacherOption = None,
    perceptual_weights: PerceptualWeightsOption = None,
    device: Annotated[str, typer.Option(help=f"Where to train: {', '.join(TRAINING_DEVICES)}.")] = DEFAULT_DEVICE,
) -> None:
    """Train a network on a folder of photographs.

    An L1 phase comes first, then a cyclic GAN phase if one is asked for. Several GPUs are used under torchrun.
    """
    import edgesr
    from edgesr.sr_model.training.config import parse_loss_weights

    run = edgesr.train  # refuses missing packages before anything else
    config = edgesr.TrainConfig(
        preset=preset,
        degradation=degradation,
        steps=steps,
        gan_steps=gan_steps,
        batch_size=batch_size,
        patch_size=patch_size,
        learning_rate=learning_rate,
        final_learning_rate=final_learning_rate,
        gan_learning_rate=gan_learning_rate,
        loss_weights=parse_loss_weights(loss_weights),
        perceptual_block=perceptual_block,
        ema_decay=ema_decay,
        luma_weight=luma_weight,
        reductions=factors("--reductions", reductions),
        teacher_share=teacher_share,
        seed=seed,
        validate_every=validate_every,
        minutes=minutes,
        precision=precision,
    )
    inputs = edgesr.TrainInputs(
        photographs=photographs,
        unpaired=unpaired,
        validation=validation,
        checkpoint=checkpoint,
        perceptual_weights=perceptual_weights,
        teachers=tuple(teacher or ()),
    )
    with shown_progress() as progress:
        path = run(inputs, output, config, device=device, progress=progress)
    from edgesr.sr_model.training.run.folder import RunFolder
    from edgesr.sr_model.training.throughput import speed_text

    rows = RunFolder(output).metrics()
    speed = speed_text(rows[-1]) if rows else ""
    print_lines([f"{path}: trained for {_length(config)}{speed and ', ' + speed}"])


def _length(config: TrainConfig) -> str:
    return counted(config.total_limit, "step") if config.minutes is None else f"{config.minutes:g} minutes"


def _setting(field: str, help_text: str, text: Callable[[Any], str] | None = None) -> Any:
    """An option with the default of that field of the settings; ``text`` turns it into what a user types."""
    return typer.Option(help=help_text, default_factory=default_of(_config, field, text))


def _config() -> type[TrainConfig]:
    from edgesr.sr_model.training.config import TrainConfig

    return TrainConfig


def _loss_weights(weights: LossWeights) -> str:
    from edgesr.sr_model.training.config import loss_weights_text

    return loss_weights_text(weights)


def _numbers(numbers: tuple[float, ...]) -> str:
    return ",".join(map(str, numbers))
