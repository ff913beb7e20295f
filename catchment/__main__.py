"""`python -m catchment`: the command line without the installed script."""

import sys

from catchment.cli import main

if __name__ == "__main__":
    sys.exit(main())
