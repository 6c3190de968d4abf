"""The user's own machines, reached by ssh or adb, as places where workers run."""
