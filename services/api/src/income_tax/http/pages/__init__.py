"""HTML pages: the simulator, the API documentation and the operator's status page."""
