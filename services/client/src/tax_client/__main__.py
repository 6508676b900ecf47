"""The entry point of `python -m tax_client`, which is the same program as `tax-client`."""

import sys

from .cli import main

sys.exit(main())
