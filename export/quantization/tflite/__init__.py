"""Lower precisions: plans, ranges and rewrites."""
