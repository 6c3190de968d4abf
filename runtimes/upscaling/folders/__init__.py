"""Runs over a folder of images: names of the outputs, what is done, one run at a time."""
