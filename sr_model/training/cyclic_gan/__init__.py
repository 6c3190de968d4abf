"""Networks and loss terms of the two phases."""
