"""Where the command `switchback` begins: what it is made of is imported from the tree that this file is in.

Installed, that tree lies below one name, so that no `agent` or `operations` of ours is anybody else's; in it, and in
each run that pyinfra starts from it, these are top-level names as ever.
"""

import sys
from pathlib import Path


def main() -> None:
    """Run the command."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from switchback.cli.main import cli

    cli(prog_name="switchback")
