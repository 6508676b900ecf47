"""The functions that build the objects of which the service consists. No other module builds them."""
