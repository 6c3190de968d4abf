"""The measurements of the commands, each as one function of a bundle and its options."""
