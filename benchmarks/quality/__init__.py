"""Quality: how near an upscaled picture is to a photograph."""
