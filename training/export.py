"""Exports a trained reranker or verifier to int8 ONNX and checks that it still judges like the original.

    python -m training.export MODEL OUT --name NAME [--kind verifier] [--check FILE] [--limit N]

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
from training.model import is_late

MAX_TOKENS = 320
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def export(model_folder: Path, out: Path, name: str, kind: str) -> None:
    """Writes model.onnx, tokenizer.json and the description, reranker.json or verifier.json, to `out`."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers.fusion_options import FusionOptions
    from onnxruntime.transformers.optimizer import optimize_model

    if is_late(model_folder):
        raise SystemExit("A late interaction reads two texts apart: there is no export of it yet.")
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
    (out / f"{kind}.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")


def _write_onnx(model_folder: Path, path: Path) -> tuple[int, int]:
    import torch
    from transformers import AutoModelForSequenceClassification

    network = AutoModelForSequenceClassification.from_pretrained(
        model_folder, dtype=torch.float32, attn_implementation="eager"
    ).eval()

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network  # a part of it: what is only closed over is written as constants

        def forward(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
            read = self.network(input_ids=ids, attention_mask=mask, token_type_ids=types)
            logits: torch.Tensor = read.logits
            return logits

    example = torch.ones(2, 16, dtype=torch.long)
    axes = {name: {0: "batch", 1: "tokens"} for name in _INPUTS}
    torch.onnx.export(
        Logits(), (example, example, torch.zeros_like(example)), str(path), input_names=list(_INPUTS),
        output_names=["logits"], dynamic_axes={**axes, "logits": {0: "batch"}}, opset_version=17,
        dynamo=False,
    )  # fmt: skip
    return int(network.config.num_attention_heads), int(network.config.hidden_size)


def _compare_support(path: Path, before: Path, after: Path) -> None:
    """How often the two agree on what a quote does to a claim, and how far their probabilities lie apart."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from qa.support import OnnxSupportModel
    from training.claims import read_claims
    from training.support import logits, reading

    claims = read_claims(path)
    tokenizer = AutoTokenizer.from_pretrained(before)
    network = AutoModelForSequenceClassification.from_pretrained(before, dtype=torch.float32)
    plain = np.concatenate(
        [logits(network, tokenizer, claims[n : n + 64]) for n in range(0, len(claims), 64)]
    )
    shares = np.exp(plain) / np.exp(plain).sum(axis=1, keepdims=True)
    small = OnnxSupportModel(after).read([reading(claim, True) for claim in claims])
    exported = np.array([(s.supported, s.contradicted, s.neither) for s in small])
    same = (shares.argmax(1) == exported.argmax(1)).mean()
    apart = np.abs(shares - exported).mean()
    print(f"{path.stem}: the same verdict on {same:.3f}, probabilities {apart:.3f} apart")


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("model", type=Path)
    options.add_argument("out", type=Path)
    options.add_argument("--name", required=True)
    options.add_argument("--kind", choices=("reranker", "verifier"), default="reranker")
    options.add_argument("--check", type=Path, nargs="*", default=[])
    options.add_argument("--limit", type=int, default=100)
    given = options.parse_args()
    export(given.model, given.out, given.name, given.kind)
    print(f"{(given.out / 'model.onnx').stat().st_size / 1e6:.1f} MB")
    for path in given.check:
        if given.kind == "verifier":
            _compare_support(path, given.model, given.out)
            continue
        rows = read_rows(path)[: given.limit]
        before, after = (judge(rows, scorer(folder), 50)["reranked"] for folder in (given.model, given.out))
        change = np.mean(list(after.values())) - np.mean(list(before.values()))
        print(f"{path.stem}: nDCG@10 {change:+.4f} after the export, {len(rows)} questions")


if __name__ == "__main__":
    main()
