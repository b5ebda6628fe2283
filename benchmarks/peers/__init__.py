"""What the peers run, in their own environment (build/peers-venv): nothing of the project is there."""
