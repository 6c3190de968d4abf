"""The folder of a training run and everything that a resumed run needs."""
