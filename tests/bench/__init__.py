"""The bench's own parts, tested without a network: wrong figures are worse than none."""
