"""Fine-tunes a small encoder to rank passages: one logit a pair, listwise.

    python -m training.train OUT --start MODEL --data FILE[:SHARE] ... --groups N

A group is a question, one passage that answers it and seven that do not: five of the top 20, two from below.
The loss is softmax cross-entropy over the group (ListNet's top-one probability; Cao et al., ICML 2007).
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from training.candidates import Found, Row, read_rows

_NEAR, _FAR = 20, 60


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides the result besides the data."""

    start: str
    groups: int
    size: int = 8
    near: int = 5  # negatives of the top 20; the rest come from below
    rate: float = 3e-5
    warm_up: float = 0.1
    freeze: int = 0  # lowest layers, with the embeddings, that stay as they are
    max_tokens: int = 192
    header_dropped: float = 0.3
    groups_a_step: int = 4
    average_last: float = 0.3  # of the steps, whose weights are averaged
    seed: int = 11


def mix(files: Sequence[tuple[Path, float]], rng: random.Random) -> Iterator[Row]:
    """Rows without end, file by file in proportion to their shares, each file in a new order every round."""
    pools = [read_rows(path) for path, _ in files]
    pools = [[row for row in rows if any(f.relevant for f in row.found)] for rows in pools]
    orders: list[list[Row]] = [[] for _ in pools]
    while True:
        (which,) = rng.choices(range(len(pools)), [share for _, share in files])
        if not orders[which]:
            orders[which] = rng.sample(pools[which], len(pools[which]))
        yield orders[which].pop()


def group(row: Row, recipe: Recipe, rng: random.Random) -> list[Found] | None:
    """One passage that answers and `size` − 1 that do not, the answer first; None if there are too few."""
    positive = rng.choice([f for f in row.found if f.relevant])
    near = [f for f in row.found[:_NEAR] if not f.relevant]
    far = [f for f in row.found[_NEAR:_FAR] if not f.relevant]
    chosen = rng.sample(near, min(recipe.near, len(near)))
    chosen += rng.sample(far, min(recipe.size - 1 - len(chosen), len(far)))
    return [positive, *chosen] if len(chosen) == recipe.size - 1 else None


def reading(found: Found, recipe: Recipe, rng: random.Random) -> str:
    """What the model reads of a passage; now and then without its header, so that it learns to do without."""
    return found.text if rng.random() < recipe.header_dropped else f"{found.header}. {found.text}"


class Average:
    """The mean of a model's weights at several steps, which ranks more steadily than the last ones."""

    def __init__(self) -> None:
        self.weights: dict[str, torch.Tensor] = {}
        self._count = 0

    def add(self, model: torch.nn.Module) -> None:
        """Takes in the weights as they are now."""
        self._count += 1
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                kept = self.weights.setdefault(name, torch.zeros_like(value))
                kept += (value - kept) / self._count


def train(out: Path, recipe: Recipe, files: Sequence[tuple[Path, float]]) -> None:
    """Trains and saves model and tokenizer to `out`."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    rng = random.Random(recipe.seed)
    torch.manual_seed(recipe.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained(recipe.start)
    model = AutoModelForSequenceClassification.from_pretrained(
        recipe.start, num_labels=1, dtype=torch.float32
    ).to(device)
    freeze(model, recipe.freeze)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=recipe.rate, weight_decay=0.01)
    steps = recipe.groups // recipe.groups_a_step
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps, recipe))
    source = mix(files, rng)
    average = Average()
    model.train()
    begun = time.monotonic()
    losses: list[float] = []
    for step in range(steps):
        pairs, groups = _batch(source, recipe, rng)
        encoded = tokenizer(
            [q for q, _ in pairs], [t for _, t in pairs], padding=True, truncation="longest_first",
            max_length=recipe.max_tokens, return_tensors="pt",
        ).to(device)  # fmt: skip
        with torch.autocast(device, dtype=torch.bfloat16):
            logits = model(**encoded).logits.float().view(groups, recipe.size)
        loss = torch.nn.functional.cross_entropy(logits, torch.zeros(groups, dtype=torch.long, device=device))
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if step >= steps * (1 - recipe.average_last):
            average.add(model)
        if (step + 1) % 20 == 0:
            pairs_done = (step + 1) * recipe.groups_a_step * recipe.size
            rate = pairs_done / (time.monotonic() - begun)
            print(f"step {step + 1}/{steps} loss {sum(losses[-20:]) / 20:.3f} {rate:.1f} pairs/s", flush=True)
    model.load_state_dict({**model.state_dict(), **average.weights})
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


def _batch(source: Iterator[Row], recipe: Recipe, rng: random.Random) -> tuple[list[tuple[str, str]], int]:
    pairs: list[tuple[str, str]] = []
    while len(pairs) < recipe.groups_a_step * recipe.size:
        row = next(source)
        found = group(row, recipe, rng)
        if found is not None:
            pairs += [(row.question, reading(f, recipe, rng)) for f in found]
    return pairs, recipe.groups_a_step


def freeze(model: Any, layers: int) -> None:
    """Keeps the embeddings and the lowest `layers` layers as they are; with 0 nothing."""
    if not layers:
        return
    frozen = [model.base_model.embeddings, *model.base_model.encoder.layer[:layers]]
    for part in frozen:
        for weight in part.parameters():
            weight.requires_grad = False


def _rate(step: int, steps: int, recipe: Recipe) -> float:
    """Linear warm-up, then linear decay."""
    warm = max(1, int(steps * recipe.warm_up))
    return (step + 1) / warm if step < warm else max(0.0, (steps - step) / max(1, steps - warm))


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("out", type=Path)
    options.add_argument("--start", required=True, help="folder of the model to go on from")
    options.add_argument("--data", nargs="+", required=True, metavar="FILE[:SHARE]")
    options.add_argument("--groups", type=int, required=True)
    options.add_argument("--rate", type=float, default=3e-5)
    options.add_argument("--freeze", type=int, default=0)
    options.add_argument("--max-tokens", type=int, default=192)
    options.add_argument("--seed", type=int, default=11)
    given = options.parse_args()
    files = []
    for text in given.data:
        name, _, share = text.partition(":")
        files.append((Path(name), float(share or 1)))
    recipe = Recipe(given.start, given.groups, rate=given.rate, freeze=given.freeze,
                    max_tokens=given.max_tokens, seed=given.seed)  # fmt: skip
    train(given.out, recipe, files)


if __name__ == "__main__":
    main()
