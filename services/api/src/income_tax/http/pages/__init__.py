"""HTML pages: simulator, API documentation, operator's page."""
