"""What decides a training run: its settings and a fingerprint of its inputs, as train.json and the state hold them."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from runtimes.decoding import DecodeError, decode
from runtimes.errors import InputError
from sr_model.config import TrainConfig
from sr_model.train_inputs import TrainInputs
from sr_model.wording import first_names, shown_name


@dataclass(frozen=True)
class RunSettings:
    """Settings, and for each input its SHA-256, None where it is not given."""

    settings: TrainConfig
    inputs: dict[str, str | None]

    @staticmethod
    def of(config: TrainConfig, inputs: TrainInputs) -> RunSettings:
        """Those of a run that is about to start."""
        return RunSettings(config, inputs.fingerprint())

    @staticmethod
    def from_json(value: object) -> RunSettings:
        """From parsed JSON; a ValueError that names the field which cannot be."""
        try:
            return decode(RunSettings, value)
        except InputError as error:
            raise DecodeError(f"settings: {error}") from error

    def to_json(self) -> str:
        """The text of train.json."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    def differences(self, there: RunSettings) -> str:
        """How settings found ``there`` differ from these, in words; empty when they are the same."""
        here, found = self._flat(), there._flat()
        return first_names(
            f"{name} {shown_name(found.get(name))} instead of {shown_name(here.get(name))}"
            for name in (*here, *(found.keys() - here.keys()))
            if found.get(name) != here.get(name)
        )

    def _flat(self) -> dict[str, Any]:
        inputs = {f"the input {name}": value for name, value in self.inputs.items()}
        return dataclasses.asdict(self.settings) | inputs
