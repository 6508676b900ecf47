"""The place of the client's tests, for those in this folder."""

from tests.integration.tax_client.conftest import place

__all__ = ["place"]
