"""Fine-tunes a small encoder to say what a quote does to a claim: support it, contradict it, or neither.

    python -m training.support OUT --start MODEL --data FILE[:SHARE] ... --steps N [--test FILE ...]

Cross-entropy over the three; classes are drawn equally often, so that none is preferred for being common.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from eval.claims import Claim, Label
from training.claims import read_claims
from training.train import Average, freeze

LABELS = (Label.SUPPORTED, Label.CONTRADICTED, Label.NEITHER)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides the result besides the data."""

    start: str
    steps: int
    size: int = 32  # claims a step
    rate: float = 6e-5
    warm_up: float = 0.1
    freeze: int = 0
    max_tokens: int = 160
    header_dropped: float = 0.5
    average_last: float = 0.25
    seed: int = 11


def draw(files: Sequence[tuple[Path, float]], rng: random.Random) -> Iterator[Claim]:
    """Claims without end: files by their shares, classes equally often, each once before any again."""
    pools = [[[c for c in read_claims(path) if c.label == label] for label in LABELS] for path, _ in files]
    orders: list[list[list[Claim]]] = [[[] for _ in LABELS] for _ in files]
    while True:
        (which,) = rng.choices(range(len(files)), [share for _, share in files])
        label = rng.randrange(len(LABELS))
        if not orders[which][label]:
            orders[which][label] = rng.sample(pools[which][label], len(pools[which][label]))
        yield orders[which][label].pop()


def reading(claim: Claim, header: bool) -> tuple[str, str]:
    """What the model reads: the claim, and the quote with or without what stands above it."""
    ground = claim.ground
    return claim.text, f"{ground.header}. {ground.quote}" if header and ground.header else ground.quote


def train(out: Path, recipe: Recipe, files: Sequence[tuple[Path, float]], tests: Sequence[Path]) -> None:
    """Trains and saves model and tokenizer to `out`."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    rng = random.Random(recipe.seed)
    torch.manual_seed(recipe.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained(recipe.start)
    model = AutoModelForSequenceClassification.from_pretrained(
        recipe.start, num_labels=len(LABELS), ignore_mismatched_sizes=True, dtype=torch.float32
    ).to(device)
    freeze(model, recipe.freeze)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=recipe.rate, weight_decay=0.01)
    warm = max(1, int(recipe.steps * recipe.warm_up))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda s: (s + 1) / warm if s < warm else max(0.0, (recipe.steps - s) / max(1, recipe.steps - warm)),
    )
    source = draw(files, rng)
    average = Average()
    begun = time.monotonic()
    losses: list[float] = []
    model.train()
    for step in range(recipe.steps):
        drawn = [next(source) for _ in range(recipe.size)]
        pairs = [reading(c, rng.random() >= recipe.header_dropped) for c in drawn]
        encoded = tokenizer(
            [a for a, _ in pairs], [b for _, b in pairs], padding=True, truncation="longest_first",
            max_length=recipe.max_tokens, return_tensors="pt",
        ).to(device)  # fmt: skip
        wanted = torch.tensor([LABELS.index(c.label) for c in drawn], device=device)
        with torch.autocast(device, dtype=torch.bfloat16):
            logits = model(**encoded).logits.float()
        loss = torch.nn.functional.cross_entropy(logits, wanted)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if step >= recipe.steps * (1 - recipe.average_last):
            average.add(model)
        if (step + 1) % 20 == 0:
            rate = (step + 1) * recipe.size / (time.monotonic() - begun)
            print(
                f"step {step + 1}/{recipe.steps} loss {np.mean(losses[-20:]):.3f} {rate:.1f} pairs/s",
                flush=True,
            )
        if tests and (step + 1) % 200 == 0:
            report(model, tokenizer, tests)
            model.train()
    model.load_state_dict({**model.state_dict(), **average.weights})
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    report(model, tokenizer, tests)


def report(model: Any, tokenizer: Any, tests: Sequence[Path]) -> None:
    """Accuracy, and how often what is called supported is."""
    for path in tests:
        claims = read_claims(path)
        called = np.concatenate(
            [logits(model, tokenizer, claims[n : n + 64]).argmax(1) for n in range(0, len(claims), 64)]
        )
        true = np.array([LABELS.index(c.label) for c in claims])
        right = [float((called[true == n] == n).mean()) for n in range(len(LABELS))]
        precision = float((true[called == 0] == 0).mean()) if (called == 0).any() else 0.0
        print(
            f"  {path.stem}: accuracy {(called == true).mean():.3f}, recall "
            + " ".join(f"{label} {x:.2f}" for label, x in zip(LABELS, right, strict=True))
            + f", precision of supported {precision:.2f}", flush=True,
        )  # fmt: skip


def logits(model: Any, tokenizer: Any, claims: Sequence[Claim]) -> Any:
    """Logits of the three labels, shape (claims, 3)."""
    model.eval()
    pairs = [reading(c, True) for c in claims]
    encoded = tokenizer(
        [a for a, _ in pairs], [b for _, b in pairs], padding=True, truncation="longest_first",
        max_length=256, return_tensors="pt",
    )  # fmt: skip
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        return model(**encoded).logits.float().numpy()


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("out", type=Path)
    options.add_argument("--start", required=True)
    options.add_argument("--data", nargs="+", required=True, metavar="FILE[:SHARE]")
    options.add_argument("--test", nargs="*", type=Path, default=[])
    options.add_argument("--steps", type=int, required=True)
    options.add_argument("--rate", type=float, default=6e-5)
    options.add_argument("--freeze", type=int, default=0)
    given = options.parse_args()
    files = []
    for text in given.data:
        name, _, share = text.partition(":")
        files.append((Path(name), float(share or 1)))
    train(
        given.out, Recipe(given.start, given.steps, rate=given.rate, freeze=given.freeze), files, given.test
    )


if __name__ == "__main__":
    main()
