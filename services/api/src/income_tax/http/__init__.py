"""The HTTP API and the pages: each request is parsed, passed to the domain, and answered."""
