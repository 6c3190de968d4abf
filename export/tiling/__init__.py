"""How tiles of a network compare with its whole picture."""
