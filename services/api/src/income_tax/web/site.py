"""What people and their browsers read: the description of the API, its page, the simulator, the operator's page."""

from flask import Flask

from ..services import Services
from . import docs, openapi, pages, simulator, status
from .auth import LoginRequired


def register(app: Flask, services: Services, login_required: LoginRequired) -> None:
    """Register the pages and their files."""
    batch_max = services.settings.batch_max
    app.register_blueprint(openapi.blueprint(services.schedules, login_required, batch_max))
    app.register_blueprint(docs.blueprint(login_required))
    app.register_blueprint(simulator.blueprint(services.schedules, login_required, batch_max))
    app.register_blueprint(status.blueprint(services, login_required))
    app.register_blueprint(pages.blueprint(login_required))
