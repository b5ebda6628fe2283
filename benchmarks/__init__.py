"""Comparisons of this project with what people would otherwise use; `make bench` runs them."""
