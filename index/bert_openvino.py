"""Runs encoders of the BERT family on OpenVINO in bfloat16, for bringing in many papers.

The same configuration and weights as in `bert.py`, put together from OpenVINO's own operators: nothing is
converted, exported or cached.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from index.bert import Batch, BertConfig
from index.errors import ModelError
from index.ort import cores
from index.tensors import Floats, read_tensors

_FAR = -1e9  # added to the attention that a padding token would get
_BFLOAT16 = ("avx512_bf16", "amx_bf16")


def has_openvino() -> bool:
    """Whether OpenVINO is installed and this processor multiplies bfloat16: what makes it worth its while."""
    if importlib.util.find_spec("openvino") is None:
        return False
    try:
        flags = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return False  # not on every system
    return any(flag in flags for flag in _BFLOAT16)


def import_openvino() -> Any:
    """The module, without its telemetry.

    At its import OpenVINO (seen in 2026.4) gives the user an id, keeps it in ~/intel, and tells Google.
    Nothing is to leave the machine: it is made to believe that the package which does that is not
    installed, a case that it provides for.
    """
    telemetry = "openvino_telemetry"
    if "openvino" not in sys.modules:
        sys.modules[telemetry] = None  # type: ignore[assignment]  # what makes its import an ImportError
    try:
        import openvino
    finally:
        if sys.modules.get(telemetry, True) is None:
            del sys.modules[telemetry]
    return openvino


class OpenVinoEncoder:
    """Token ids to the vectors of the last layer, a batch on each core. Load one once and keep it."""

    def __init__(self, config: BertConfig, weights: Path) -> None:
        """`weights` is the safetensors file; ModelError if it does not fit the configuration."""
        openvino = import_openvino()
        try:
            model = _Graph(openvino, config, read_tensors(weights)).build()
            options = {
                "INFERENCE_PRECISION_HINT": "bf16",
                "INFERENCE_NUM_THREADS": cores(),
                "NUM_STREAMS": cores(),
            }
            compiled = openvino.Core().compile_model(model, "CPU", options)
            self._queue: Any = openvino.AsyncInferQueue(compiled, cores())
        # OpenVINO raises RuntimeError for almost everything, and others of Python's for wrong shapes.
        except Exception as error:
            raise ModelError(
                f"the weights in {weights} do not fit their config.json: {str(error)[:200]}",
                "Fetch or install the model again.",
            ) from error

    def hidden(self, batches: Iterable[Batch]) -> Iterator[Floats]:
        """The last layer of each batch, float32 of shape (texts, tokens, width), in the order given."""
        found: dict[int, Floats] = {}

        def keep(request: Any, number: int) -> None:
            found[number] = request.get_output_tensor().data.copy()  # the next batch takes its place

        self._queue.set_callback(keep)
        asked = 0
        for ids, mask in batches:
            self._queue.start_async({0: ids, 1: mask}, asked)
            asked += 1
        self._queue.wait_all()
        for number in range(asked):
            yield found.pop(number)


class _Graph:
    """Puts the graph together, layer by layer."""

    def __init__(self, openvino: Any, config: BertConfig, tensors: Mapping[str, Floats]) -> None:
        self._openvino = openvino
        self._ops: Any = importlib.import_module("openvino.opset13")
        self._config = config
        self._tensors = tensors

    def build(self) -> Any:
        """An openvino.Model. KeyError if a weight is missing."""
        ops = self._ops
        ids, mask = (ops.parameter([-1, -1], np.int32, name) for name in ("ids", "mask"))
        far = ops.multiply(ops.subtract(np.float32(1), ops.convert(mask, "f32")), np.float32(_FAR))
        far = ops.unsqueeze(far, np.array([1, 2]))  # of shape (texts, 1, 1, tokens), for every head and token
        x = self._embeddings(ids)
        for number in range(self._config.layers):
            x = self._layer(number, x, far)
        return self._openvino.Model([x], [ids, mask], "encoder")

    def _tensor(self, name: str) -> Floats:
        # Some files hold the encoder alone, others a model around it.
        return self._tensors[name] if name in self._tensors else self._tensors[f"bert.{name}"]

    def _weight(self, name: str) -> Any:
        return self._constant(self._tensor(name))

    def _constant(self, array: Floats) -> Any:
        # An array given to an operator as it is goes through a list of Python's numbers: a second for 90 MB.
        return self._ops.constant(np.ascontiguousarray(array, np.float32), shared_memory=False)

    def _embeddings(self, ids: Any) -> Any:
        ops, place = self._ops, "embeddings."
        words = ops.gather(self._weight(f"{place}word_embeddings.weight"), ids, np.int32(0))
        # Every text is of the first type, whose vector may as well be part of the positions'.
        types = self._tensor(f"{place}token_type_embeddings.weight")
        positions = self._tensor(f"{place}position_embeddings.weight") + types[0]
        tokens = ops.gather(ops.shape_of(ids, "i32"), np.int32(1), np.int32(0))
        places = ops.range(np.int32(0), tokens, np.int32(1), "i32")
        return self._norm(
            ops.add(words, ops.gather(self._constant(positions), places, np.int32(0))), f"{place}LayerNorm"
        )

    def _layer(self, number: int, x: Any, far: Any) -> Any:
        ops, place = self._ops, f"encoder.layer.{number}."
        heads = self._config.heads
        split = np.array([0, 0, heads, self._config.width // heads])

        def part(name: str) -> Any:
            whole = self._linear(x, f"{place}attention.self.{name}")
            return ops.transpose(ops.reshape(whole, split, special_zero=True), np.array([0, 2, 1, 3]))

        attended = ops.scaled_dot_product_attention(part("query"), part("key"), part("value"), far)
        joined = ops.transpose(attended, np.array([0, 2, 1, 3]))
        joined = ops.reshape(joined, np.array([0, 0, self._config.width]), special_zero=True)
        x = self._add_and_norm(joined, x, f"{place}attention.output")
        wide = ops.gelu(self._linear(x, f"{place}intermediate.dense"), "ERF")
        return self._add_and_norm(wide, x, f"{place}output")

    def _linear(self, x: Any, place: str) -> Any:
        ops = self._ops
        product = ops.matmul(x, self._weight(f"{place}.weight"), False, True)
        return ops.add(product, self._weight(f"{place}.bias"))

    def _add_and_norm(self, x: Any, before: Any, place: str) -> Any:
        return self._norm(self._ops.add(self._linear(x, f"{place}.dense"), before), f"{place}.LayerNorm")

    def _norm(self, x: Any, place: str) -> Any:
        ops = self._ops
        # The oldest files call them gamma and beta.
        new = f"{place}.weight" in self._tensors or f"bert.{place}.weight" in self._tensors
        first, second = ("weight", "bias") if new else ("gamma", "beta")
        even = ops.mvn(x, np.array([-1]), True, self._config.epsilon, "INSIDE_SQRT")
        return ops.add(
            ops.multiply(even, self._weight(f"{place}.{first}")), self._weight(f"{place}.{second}")
        )
