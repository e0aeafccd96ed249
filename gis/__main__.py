"""`finegrid` and `python -m gis`."""

from gis.cli.root import main

if __name__ == "__main__":
    main()
