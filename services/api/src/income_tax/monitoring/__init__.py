"""Monitoring: metrics of the workers, status of the service, state of the database."""
