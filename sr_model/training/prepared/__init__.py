"""Training prepared on one machine and run on another, which has an accelerator and few packages."""
