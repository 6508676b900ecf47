"""Access to the API: credentials, requests, retries, and checks of responses."""
