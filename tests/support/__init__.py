"""What the stacks of tests/stacks.py are made of."""
