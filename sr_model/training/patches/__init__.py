"""Training patches: photographs kept on the device, and batches cut from them there."""
