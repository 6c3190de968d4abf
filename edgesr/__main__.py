"""`python -m edgesr`: the command line."""

from edgesr.cli.main import main

if __name__ == "__main__":
    main()
