"""Run exported files: open a bundle, upscale images with it. Imports numpy only; a runtime loads on first use."""
