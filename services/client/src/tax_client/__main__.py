"""Run the command line as `python -m tax_client`, the same as `tax-client`."""

import sys

from .cli import main

sys.exit(main())
