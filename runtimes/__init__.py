"""Run exported files: open a bundle, upscale images with it. Imports numpy only; a runtime loads on first use."""

from edgesr.runtimes.bundle import Bundle, open_bundle
from edgesr.runtimes.upscale import upscale, upscale_rows
from edgesr.runtimes.upscale_plan import UpscaleOptions

__all__ = ["Bundle", "UpscaleOptions", "open_bundle", "upscale", "upscale_rows"]
