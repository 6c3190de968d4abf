"""Two artifacts compared layer by layer."""
