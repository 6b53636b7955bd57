"""What is true of bytes: archives, encodings, CSV kinds, schemas, reports.

No network, no broker, no database, no event loop. Every function is synchronous, takes local paths and keeps its
memory bounded whatever the size of the file, so that a worker may run it in a process it can kill, and `dh validate`
may run the very same check before a push.
"""

from tabular.limits import Limits
from tabular.report import Report, validate

__all__ = ["Limits", "Report", "validate"]
