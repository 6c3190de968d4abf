"""The clocks, heat and power of a device while something was measured on it."""
