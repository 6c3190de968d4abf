"""The parts that a report draws by itself: pictures, and the matrix of parity."""
