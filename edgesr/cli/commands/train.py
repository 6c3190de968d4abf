"""The sub-command `train`: its options are the settings of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr.cli.completion import one_of, presets
from edgesr.cli.terminal import factors, print_lines, shown_progress
from edgesr.runtimes.packages import require_packages
from edgesr.runtimes.wording import counted


def train(
    photographs: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of HR photographs.")],
    preset: Annotated[str, typer.Option(help="Preset to train.", autocompletion=one_of(presets))],
    output: Annotated[Path, typer.Option(help="Folder of the run; the same command continues an interrupted run.")],
    degradation: Annotated[str, typer.Option(help="clean, blur:2, noise:8, jpeg:30, joined with +, or mix.")] = "clean",
    steps: Annotated[int, typer.Option(help="Updates of the L1 phase.")] = 16_000,
    gan_steps: Annotated[int, typer.Option(help="Updates of the GAN phase after it.")] = 0,
    batch_size: Annotated[int, typer.Option(help="Patches an update, over all processes.")] = 16,
    patch_size: Annotated[int, typer.Option(help="Side of an LR patch.")] = 32,
    learning_rate: Annotated[
        float, typer.Option(help="First learning rate of the L1 phase; it falls to --final-learning-rate.")
    ] = 1e-3,
    final_learning_rate: Annotated[float, typer.Option(help="Last learning rate of the L1 phase.")] = 1e-6,
    gan_learning_rate: Annotated[float, typer.Option(help="First learning rate of the GAN phase.")] = 1e-4,
    loss_weights: Annotated[
        str, typer.Option(help="Weights of the GAN phase: perceptual, adversarial, total_variation, l1, cycle.")
    ] = "perceptual=1,adversarial=1,total_variation=1,l1=10,cycle=10",
    perceptual_block: Annotated[int, typer.Option(help="VGG block of the perceptual features, 1 to 5.")] = 5,
    ema_decay: Annotated[float, typer.Option(help="Decay of the moving average that is written.")] = 0.999,
    luma_weight: Annotated[float, typer.Option(help="Share of luma in the loss of the L1 phase, 0 to 1.")] = 0.0,
    reductions: Annotated[str, typer.Option(help="Train on copies reduced by these factors too: 0.8,0.65.")] = "",
    seed: Annotated[int, typer.Option(help="Seed of weights and patches.")] = 0,
    validate_every: Annotated[int, typer.Option(help="Updates between two validations, which also save.")] = 1_000,
    validation: Annotated[Path | None, typer.Option(help="Folder of HR images to validate on.")] = None,
    unpaired: Annotated[Path | None, typer.Option(help="Folder of real LR images for the cycle.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Checkpoint to start from.")] = None,
    perceptual_weights: Annotated[
        Path | None, typer.Option(help="VGG16 or VGG19 state dict instead of the one of stlpips-pytorch.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    workers: Annotated[int, typer.Option(min=0, max=256, help="Processes that prepare patches.")] = 1,
) -> None:
    """Train a preset on a folder of photographs: an L1 phase, then a cyclic GAN phase. Many GPUs: under torchrun."""
    require_packages("training", ("torch", "safetensors", "matplotlib"), extra="train")
    from edgesr.sr_model.generators.config import TrainConfig, parse_loss_weights
    from edgesr.sr_model.training.run.inputs import TrainInputs
    from edgesr.sr_model.training.train import train as run_training

    config = TrainConfig(
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
        seed=seed,
        validate_every=validate_every,
    )
    inputs = TrainInputs(
        photographs=photographs,
        unpaired=unpaired,
        validation=validation,
        checkpoint=checkpoint,
        perceptual_weights=perceptual_weights,
    )
    with shown_progress() as progress:
        path = run_training(inputs, output, config, device=device, workers=workers, progress=progress)
    print_lines([f"{path}: trained for {counted(config.total_steps, 'step')}"])
