"""What the clocks, heat and power of a device were while something was measured on it."""
