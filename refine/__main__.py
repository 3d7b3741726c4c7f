"""`python -m refine` is the console script `earthshader`."""

from __future__ import annotations

from refine.command_line import main

if __name__ == "__main__":
    main()
