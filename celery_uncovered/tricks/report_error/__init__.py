"""An error on purpose, to see it mailed."""
