"""A log for each task: what attempts log, print and raise, in files and on the job's page.

``capture`` hears what is said and ``running_attempt()`` knows who says it; ``recorder`` makes safe lines
of it, for ``files`` at once and for the ledger within a second (``pending``, ``writer``, ``store``).
``tail`` reads it again.
"""
