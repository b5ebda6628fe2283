"""Payments under fire: every process dies at every step, and each payment is charged once."""
