"""The parts of the search for a plan: what is measured, layer by layer and as a whole, and a plan as a file."""
