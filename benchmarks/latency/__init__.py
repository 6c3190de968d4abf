"""Time, memory and instructions that artifacts take."""
