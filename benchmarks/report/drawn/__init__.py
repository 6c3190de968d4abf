"""What a report draws itself: pictures, and the matrix of parity."""
