"""Run exported files: open a bundle, upscale images with it. Imports numpy only; a runtime loads on first use."""

from runtimes.bundle import Bundle, open_bundle
from runtimes.upscale import upscale, upscale_rows
from runtimes.upscale_plan import UpscaleOptions

__all__ = ["Bundle", "UpscaleOptions", "open_bundle", "upscale", "upscale_rows"]
