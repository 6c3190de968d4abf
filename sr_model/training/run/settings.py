"""Everything that decides a training run: its settings and a fingerprint of its inputs, as train.json and the state
hold them.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_records import DecodeError, decode
from edgesr.runtimes.wording import first_names
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.run.inputs import TrainInputs


@dataclass(frozen=True)
class RunSettings:
    """Settings, and for each input its SHA-256, None where it is not given."""

    settings: TrainConfig
    inputs: dict[str, str | None]

    @staticmethod
    def of(config: TrainConfig, inputs: TrainInputs) -> RunSettings:
        """The settings of a run that is about to start."""
        return RunSettings(config, inputs.fingerprint())

    @staticmethod
    def from_json(value: object) -> RunSettings:
        """Read settings from parsed JSON; raises ValueError that names the field which cannot be."""
        try:
            return decode(RunSettings, value)
        except InputError as error:
            raise DecodeError(f"settings: {error}") from error

    def to_json(self) -> str:
        """The text of train.json."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    def differences(self, there: RunSettings) -> str:
        """The differences of the settings found ``there`` from these, in words; empty if they are the same."""
        here, found = dataclasses.asdict(self.settings), dataclasses.asdict(there.settings)
        names = (*self.inputs, *(there.inputs.keys() - self.inputs.keys()))
        return first_names(
            [f"{name} {found[name]} instead of {here[name]}" for name in here if found[name] != here[name]]
            + [f"the input {name} is another" for name in names if there.inputs.get(name) != self.inputs.get(name)]
        )
