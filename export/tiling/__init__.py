"""The comparison of a network's tiles with its whole picture."""
