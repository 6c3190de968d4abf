"""Images to calibrate and check on."""
