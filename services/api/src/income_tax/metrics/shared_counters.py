"""Counters in memory that gunicorn's master process and all its workers share.

The memory is mapped before the first fork. Each process writes only to its own slot of the memory, so processes need no
lock. The counts of a killed worker stay in the memory. The next worker continues the slot. Therefore, the memory is
bounded, and no count ever falls while the master runs.
"""

import mmap
import secrets
from collections.abc import Hashable

from .cell_layout import CELLS, CHECKS_WAITING, HAS_ENDED, IS_RUNNING

SLOTS = 1024  # more than the workers that gunicorn can run at once; unused slots occupy no memory
MASTER_SLOT = 0
# The header contains the counts that only the master writes.
SLOTS_USED, RUNNING, STARTS, ENDED, KILLED, HEADER_CELLS = range(6)


class SharedCounters:
    """Slots of counters, one for the master and one for each running worker. Only the master assigns slots.

    The methods of this class are not thread-safe. WorkerCounters increments the counters of a slot.
    """

    def __init__(self, slots: int = SLOTS) -> None:
        self.epoch = secrets.token_hex(8)  # identifies this memory; a restart of the master begins a new one
        self._slots = slots
        self._memory = mmap.mmap(-1, 8 * (HEADER_CELLS + slots * CELLS))
        self._cells = memoryview(self._memory).cast("Q")
        self._cells[SLOTS_USED] = 1
        self._slots_of_workers: dict[Hashable, int] = {}

    def get_cells(self, slot: int) -> memoryview:
        """Return the cells of a slot."""
        begin = HEADER_CELLS + slot * CELLS
        return self._cells[begin : begin + CELLS]

    def assign_slot(self, worker: Hashable) -> int:
        """Assign the first free slot to a worker that is about to start, and return the slot."""
        taken = {MASTER_SLOT, *self._slots_of_workers.values()}
        slot = next(slot for slot in range(self._slots) if slot not in taken)
        self._slots_of_workers[worker] = slot
        self._cells[SLOTS_USED] = max(self._cells[SLOTS_USED], slot + 1)
        self.get_cells(slot)[IS_RUNNING] = 1
        self._cells[STARTS] += 1
        self._cells[RUNNING] = len(self._slots_of_workers)
        return slot

    def release_slot(self, worker: Hashable) -> None:
        """Release the slot of a worker that has ended, and count whether the worker was killed."""
        if (slot := self._slots_of_workers.pop(worker, None)) is not None:
            cells = self.get_cells(slot)
            self._cells[RUNNING] = len(self._slots_of_workers)
            self._cells[ENDED if cells[HAS_ENDED] else KILLED] += 1
            for gauge in range(CHECKS_WAITING, CELLS):
                cells[gauge] = 0

    def sum_cells(self) -> list[int]:
        """Return the sum of each cell over all slots."""
        used = [self.get_cells(slot).tolist() for slot in range(self._cells[SLOTS_USED])]
        return [*map(sum, zip(*used, strict=True))]

    def is_first(self, slot: int) -> bool:
        """Return whether the worker of this slot has the lowest slot of all running workers."""
        return not any(self.get_cells(lower)[IS_RUNNING] for lower in range(MASTER_SLOT + 1, slot))

    @property
    def running_workers(self) -> int:
        """The number of workers that run now."""
        return self._cells[RUNNING]

    @property
    def worker_starts(self) -> int:
        """The number of workers that the master has started."""
        return self._cells[STARTS]

    @property
    def worker_exits(self) -> dict[str, int]:
        """The number of workers that have `ended` after a signal or MAX_REQUESTS, and that were `killed` or crashed."""
        return {"ended": self._cells[ENDED], "killed": self._cells[KILLED]}
