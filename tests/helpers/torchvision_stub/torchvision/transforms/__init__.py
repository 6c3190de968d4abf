"""What spandrel imports of torchvision.transforms."""
