"""Runs encoders of the BERT family on ONNX Runtime, straight from their configuration and weights.

No torch, and nothing exported or cached: the graph is a few kilobytes, made anew at every start from the
numbers in config.json, and the weights are handed to the session where the file was mapped into memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index import onnx_wire as wire
from index.errors import ModelError
from index.ort import import_onnxruntime, open_session
from index.tensors import Floats, read_tensors

# Token ids and their mask, each of shape (texts, tokens): 1 for the tokens of a text, 0 for padding.
Batch = tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]

_TOKENS = 1024  # in a batch, padding included: more would only fall out of the processor's caches
_FEW, _TOKENS_OF_FEW = 16, 128  # texts; tokens in a batch of theirs


@dataclass(frozen=True, slots=True)
class BertConfig:
    """The numbers of config.json that the graph depends on."""

    layers: int
    heads: int
    width: int
    positions: int
    epsilon: float

    @classmethod
    def read(cls, path: Path) -> BertConfig | None:
        """From config.json; None where it describes no encoder that this module can run."""
        try:
            found = json.loads(path.read_text("utf-8"))
            known = (
                found["model_type"] == "bert"
                and found.get("hidden_act", "gelu") == "gelu"
                and found.get("position_embedding_type", "absolute") == "absolute"
                and not found.get("is_decoder", False)
            )
            config = cls(
                int(found["num_hidden_layers"]), int(found["num_attention_heads"]), int(found["hidden_size"]),
                int(found["max_position_embeddings"]), float(found.get("layer_norm_eps", 1e-12)),
            )  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return config if known else None


class BertEncoder:
    """Token ids to the vectors of the last layer, on all cores. Load one once and keep it."""

    def __init__(self, config: BertConfig, weights: Path) -> None:
        """`weights` is the safetensors file; ModelError if it does not fit the configuration."""
        graph = _Graph(config, read_tensors(weights))
        try:
            model, constants = graph.build()
            # The session uses these buffers as they are, and so they must live as long as it does.
            value = import_onnxruntime().OrtValue.ortvalue_from_numpy
            self._kept = {name: value(array) for name, array in constants.items()}
            self._session: Any = open_session(model, self._kept)
        # Besides these, ONNX Runtime raises classes of its own without a common base that it would export.
        except Exception as error:
            raise ModelError(
                f"the weights in {weights} do not fit their config.json: {str(error)[:200]}",
                "Fetch or install the model again.",
            ) from error

    def hidden(self, batches: Iterable[Batch]) -> Iterator[Floats]:
        """The last layer of each batch, float32 of shape (texts, tokens, width), in the order given."""
        for ids, mask in batches:
            yield self._session.run(None, {"ids": ids, "mask": mask})[0]


def batches(lengths: Sequence[int]) -> list[list[int]]:
    """Positions of the texts with these numbers of tokens, in batches that waste little on padding.

    A few texts, as the sentences of a question, differ so much in length that two thirds of the time are
    enough for them one by one.
    """
    found: list[list[int]] = []
    room = _TOKENS if len(lengths) > _FEW else _TOKENS_OF_FEW
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        # The text that comes last is the longest one, and the others are padded to it.
        if found and (len(found[-1]) + 1) * lengths[i] <= room:
            found[-1].append(i)
        else:
            found.append([i])
    return found


@dataclass(slots=True)
class _Graph:
    """Puts the graph together, layer by layer, from ONNX Runtime's fused operators."""

    config: BertConfig
    tensors: Mapping[str, Floats]
    nodes: list[bytes] = field(default_factory=list)
    constants: dict[str, Floats] = field(default_factory=dict)

    def build(self) -> tuple[bytes, dict[str, Floats]]:
        """The model without weights, and the weights by their names in it. KeyError if one is missing."""
        last = self._embeddings()
        for number in range(self.config.layers):
            last = self._layer(number, last)
        model = wire.model(
            self.nodes,
            [wire.initializer(name, wire.FLOAT, a.shape) for name, a in self.constants.items()],
            [wire.value(name, wire.INT32, ("texts", "tokens")) for name in ("ids", "mask")],
            [wire.value(last, wire.FLOAT, ("texts", "tokens", self.config.width))],
        )
        return model, self.constants

    def _tensor(self, name: str) -> Floats:
        # Some files hold the encoder alone, others a model around it.
        return self.tensors[name] if name in self.tensors else self.tensors[f"bert.{name}"]

    def _constant(self, name: str, values: Floats | None = None) -> str:
        found = self._tensor(name) if values is None else values
        self.constants[name] = np.ascontiguousarray(found)
        return name

    def _node(self, op: str, inputs: Sequence[str], output: str, **attributes: int | float) -> str:
        self.nodes.append(wire.node(op, inputs, [output], attributes))
        return output

    def _embeddings(self) -> str:
        place = "embeddings."
        # Every text is of the first type, whose vector may as well be part of the positions'.
        positions = self._tensor(f"{place}position_embeddings.weight")
        types = self._tensor(f"{place}token_type_embeddings.weight")
        inputs = [
            "ids", "", self._constant(f"{place}word_embeddings.weight"),
            self._constant("positions", positions + types[0]), "",
            *self._norm(f"{place}LayerNorm"), "mask",
        ]  # fmt: skip
        attributes = {"epsilon": self.config.epsilon}
        self.nodes.append(wire.node("EmbedLayerNormalization", inputs, ["x0", "lengths"], attributes))
        return "x0"

    def _layer(self, number: int, x: str) -> str:
        place = f"encoder.layer.{number}."
        parts = [f"{place}attention.self.{name}" for name in ("query", "key", "value")]
        bias = np.concatenate([self._tensor(f"{part}.bias") for part in parts])
        attended = self._node(
            "MultiHeadAttention",
            [*(self._times(x, part) for part in parts), self._constant(f"{place}bias", bias), "lengths"],
            f"attended{number}", num_heads=self.config.heads,
        )  # fmt: skip
        x = self._add_and_norm(attended, x, f"{place}attention.output")
        wide = self._times(x, f"{place}intermediate.dense")
        wide = self._node(
            "BiasGelu", [wide, self._constant(f"{place}intermediate.dense.bias")], f"wide{number}"
        )
        return self._add_and_norm(wide, x, f"{place}output")

    def _add_and_norm(self, x: str, before: str, place: str) -> str:
        product = self._times(x, f"{place}.dense")
        inputs = [product, before, *self._norm(f"{place}.LayerNorm"), self._constant(f"{place}.dense.bias")]
        return self._node("SkipLayerNormalization", inputs, f"{place}.sum", epsilon=self.config.epsilon)

    def _norm(self, place: str) -> tuple[str, str]:
        # The oldest files call them gamma and beta.
        new = f"{place}.weight" in self.tensors or f"bert.{place}.weight" in self.tensors
        first, second = ("weight", "bias") if new else ("gamma", "beta")
        return self._constant(f"{place}.{first}"), self._constant(f"{place}.{second}")

    def _times(self, x: str, place: str) -> str:
        """x times the transposed weights of a linear layer; their bias is added by the operator after it."""
        return self._node("FusedMatMul", [x, self._constant(f"{place}.weight")], f"{place}.product", transB=1)
