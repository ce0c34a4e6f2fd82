"""ONNX Runtime as citewell uses it: on all cores, quiet, and without its telemetry.

Its Linux wheels (seen in 1.32) give the machine an id, keep it in the user's cache, and queue there what
sessions did for a server of Microsoft. Nothing is to leave the machine: off, before the first import.
"""

from __future__ import annotations

import os
from typing import Any


def open_session(model: bytes, constants: dict[str, Any] | None = None) -> Any:
    """An onnxruntime.InferenceSession on the processor. `constants`: weights that are not in the model, as
    onnxruntime.OrtValue by name; they must live as long as the session."""
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores()
    options.log_severity_level = 4  # what goes wrong is said by our own errors
    if constants:
        options.add_external_initializers(list(constants), list(constants.values()))
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def import_onnxruntime() -> Any:
    """The module, its telemetry off."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime


def cores() -> int:
    """The cores that this process may run on, which can be fewer than the machine has."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1
