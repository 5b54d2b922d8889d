"""Scripts that show, measure and try to break what the project claims; each runs by a make door."""
