"""The file descriptors of the client, one a connection: a want of them is no fault of the server's."""

import errno
import os
import resource
from contextlib import suppress

from tax_client.api.failures import walk_causes

KIND = "no descriptor left"  # of a failure
MESSAGE = "the client may open no more files or connections: raise its limit (ulimit -n), or give fewer --threads"


def raise_limit() -> None:
    """Allow this process, and those it starts, as many as the system lets it have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # an unlimited one is more than some systems grant
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def is_lack(error: BaseException) -> bool:
    """Whether a lack of descriptors is among the causes of an error."""
    lacks = (errno.EMFILE, errno.ENFILE)
    return any(isinstance(cause, OSError) and cause.errno in lacks for cause in walk_causes(error))


def are_left() -> bool:
    """Whether one more can be opened."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return not is_lack(error)
    return True
