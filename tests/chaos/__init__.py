"""Faults on real processes, while a checker compares what was said with what was read.

- ``speech``: what is said: words that occur once, and when.
- ``checker``: what one reader saw, against what was said; pure.
- ``faults``: what is done to the processes; ``proxy`` stands between them.
- ``system``: the processes of a whole system, each to be ended by its own id.
- ``crowd``: the speakers and viewers.
- ``storm``: a run: a crowd on a system under faults, and its report.
- ``ablations``: the product without one of its safeguards: the checker must see the difference.
- ``python -m tests.chaos``: long and random (``just chaos``, ``just soak``).
"""
