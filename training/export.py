"""Exports a trained reranker to int8 ONNX and checks that it still ranks like the original.

    python -m training.export MODEL OUT --name NAME [--check FILE] [--limit N]

Needs the packages onnx and onnxruntime besides torch. Operators are fused as for any BERT, and the weights
of its linear layers are quantised to int8, a scale a channel; activations are quantised while it runs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np

from training.candidates import read_rows
from training.judge import judge, scorer

MAX_TOKENS = 320
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def export(model_folder: Path, out: Path, name: str) -> None:
    """Writes model.onnx, tokenizer.json and reranker.json to `out`."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers.fusion_options import FusionOptions
    from onnxruntime.transformers.optimizer import optimize_model

    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        plain, fused = Path(scratch) / "plain.onnx", Path(scratch) / "fused.onnx"
        heads, width = _write_onnx(model_folder, plain)
        optimised = optimize_model(
            str(plain), model_type="bert", num_heads=heads, hidden_size=width,
            optimization_options=FusionOptions("bert"), opt_level=0,
        )  # fmt: skip
        optimised.save_model_to_file(str(fused))
        float32 = 1  # onnx.TensorProto.FLOAT: fused operators hide their types from shape inference
        quantize_dynamic(
            str(fused), str(out / "model.onnx"), weight_type=QuantType.QInt8, per_channel=True,
            extra_options={"DefaultTensorType": float32},
        )  # fmt: skip
    shutil.copyfile(model_folder / "tokenizer.json", out / "tokenizer.json")
    digest = hashlib.sha256((out / "model.onnx").read_bytes()).hexdigest()
    about = {"name": name, "sha256": digest, "max_tokens": MAX_TOKENS}
    (out / "reranker.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")


def _write_onnx(model_folder: Path, path: Path) -> tuple[int, int]:
    import torch
    from transformers import AutoModelForSequenceClassification

    network = AutoModelForSequenceClassification.from_pretrained(
        model_folder, dtype=torch.float32, attn_implementation="eager"
    ).eval()

    class Logits(torch.nn.Module):
        def forward(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = network(input_ids=ids, attention_mask=mask, token_type_ids=types).logits
            return logits

    example = torch.ones(2, 16, dtype=torch.long)
    axes = {name: {0: "batch", 1: "tokens"} for name in _INPUTS}
    torch.onnx.export(
        Logits(), (example, example, torch.zeros_like(example)), str(path), input_names=list(_INPUTS),
        output_names=["logits"], dynamic_axes={**axes, "logits": {0: "batch"}}, opset_version=17,
        dynamo=False,
    )  # fmt: skip
    return int(network.config.num_attention_heads), int(network.config.hidden_size)


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("model", type=Path)
    options.add_argument("out", type=Path)
    options.add_argument("--name", required=True)
    options.add_argument("--check", type=Path, nargs="*", default=[])
    options.add_argument("--limit", type=int, default=100)
    given = options.parse_args()
    export(given.model, given.out, given.name)
    print(f"{(given.out / 'model.onnx').stat().st_size / 1e6:.1f} MB")
    for path in given.check:
        rows = read_rows(path)[: given.limit]
        before, after = (judge(rows, scorer(folder), 50)["reranked"] for folder in (given.model, given.out))
        change = np.mean(list(after.values())) - np.mean(list(before.values()))
        print(f"{path.stem}: nDCG@10 {change:+.4f} after the export, {len(rows)} questions")


if __name__ == "__main__":
    main()
