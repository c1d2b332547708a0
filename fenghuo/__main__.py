"""`python -m fenghuo`: the same as the command `fenghuo`."""

from fenghuo.cli import main

main()
