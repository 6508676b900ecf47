"""Run `python -m tax_client`, which is the same as `tax-client`."""

import sys

from .cli import main

sys.exit(main())
