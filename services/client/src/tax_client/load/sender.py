"""A process of a flood: what it does from its birth to its end."""

import gc
import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection

from tax_client.runtime import SENTENCES
from tax_client.settings import Settings
from tax_common.logs import LogFile, build_request_logger

from .channel import Parent
from .curl_engine import CurlEngine
from .plan import Share
from .request_recorder import Account
from .target import Target
from .workload import Workload


@dataclass(frozen=True, slots=True)
class Duty:
    """What all processes of a flood share."""

    target: Target
    workload: Workload
    settings: Settings
    say_each: bool  # a line of log for every answer, not only for those that are not right


def serve(share: Share, duty: Duty, pipe: Connection, others: Iterable[Connection]) -> None:
    """Send the share's requests, from the moment on that comes through the pipe."""
    gc.freeze()
    gc.disable()  # nothing here makes rings that grow, and looking for them costs a tenth of all
    for other in others:  # ends that belong to the parent: it must be alone to hold them
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which says when to stop
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    settings, plan = duty.settings, share.plan
    masked = settings.mask_amounts == "on"
    log = LogFile(settings.log_file)
    say = build_request_logger(
        "client", log.write, SENTENCES, form=settings.log_format, level=settings.log_level, mask=masked
    )
    try:
        begin: float = pipe.recv()
        account = Account(duty.workload, say, duty.say_each, plan.retries, plan.window(begin), plan.is_open)
        CurlEngine(duty.target, duty.workload, share, account).run(begin, Parent(pipe, begin, log))
    except (EOFError, BrokenPipeError, ConnectionResetError):  # the parent is gone, and with it who wants to know
        os._exit(1)
