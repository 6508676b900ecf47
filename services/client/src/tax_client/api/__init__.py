"""Access to the API: credentials, requests, retries, and the checks of what comes back."""
