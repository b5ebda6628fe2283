"""What people see of runs: lists, one run's history as a story, and why it does not move.

Nothing here changes anything. All of it is masked, as people read it.
"""
