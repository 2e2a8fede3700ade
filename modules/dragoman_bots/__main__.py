"""``python -m dragoman_bots``: a runner, as the process launcher starts it."""

from __future__ import annotations

import sys

from dragoman_bots.runner import main

if __name__ == "__main__":
    sys.exit(main())
