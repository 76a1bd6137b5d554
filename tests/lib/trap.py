# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that notices when somebody opens it.

    with trap.Trap(directory) as file:
        ...                                  file.path; who reads it gets file.text
        self.assertFalse(file.was_read)      nobody did

It is a named pipe: the kernel lets nobody open it for writing before somebody else opens it for reading.
"""

import os
import threading
import uuid


class Trap:
    def __init__(self, directory):
        self.path = os.path.join(os.path.realpath(directory), f"trap-{uuid.uuid4().hex[:8]}")
        self.text = f"nobody-may-read-{uuid.uuid4().hex}"
        self.was_read = False
        self._is_over = False
        os.mkfifo(self.path, 0o600)
        self._writer = threading.Thread(target=self._serve, daemon=True)

    def _serve(self):
        while True:
            fd = os.open(self.path, os.O_WRONLY)  # until somebody reads
            try:
                if self._is_over:
                    return
                self.was_read = True
                os.write(fd, f"{self.text}\n".encode())
            except BrokenPipeError:
                pass
            finally:
                os.close(fd)

    def __enter__(self):
        self._writer.start()
        return self

    def __exit__(self, *_):
        self._is_over = True
        fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self._writer.join(10)
        os.close(fd)
        os.unlink(self.path)
