"""What spandrel imports of torchvision, for tests alone: the names, which none of the networks of the tests calls."""
