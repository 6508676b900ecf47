"""`python -m tax_client`, the same as `tax-client`."""

import sys

from tax_client.cli import main

sys.exit(main())
