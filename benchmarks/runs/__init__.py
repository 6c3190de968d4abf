"""What the commands measure, each as one function of a bundle and its options."""
