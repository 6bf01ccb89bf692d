"""`python -m ai_interactions`: see `cli.py`."""

from .cli import main

main()
