"""Fine-tunes a small encoder to rank passages: one logit a pair, listwise.

    python -m training.train OUT --start MODEL --data FILE[:SHARE] ... --groups N

A group is a question, one passage that answers it and seven that do not: five of the top 20, two from below.
The loss is softmax cross-entropy over the group (ListNet's top-one probability; Cao et al., ICML 2007), of
the logits alone or, with `--fused 10`, of the logits added to the fused scores as the blend adds them: then
the model learns what the fused ranking does not know.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from training.candidates import Row
from training.groups import Group, Reading, group, mix
from training.model import Kind, Network, read_model

_WHOLE = 1000  # words: more than any passage has


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides the result besides the data."""

    start: Path
    groups: int
    kind: Kind = "cross"
    minutes: float = 1e9  # of processor time, after which it ends although groups are left
    reading: Reading = field(default_factory=Reading)
    rate: float = 3e-5
    warm_up: float = 0.1
    freeze: int = 0  # lowest layers, with the embeddings, that stay as they are
    max_tokens: int = 160  # of a cut passage with its question
    max_whole: int = 256  # of a whole one
    groups_a_step: int = 4
    average_last: float = 0.3  # of the steps, whose weights are averaged
    kept: float = 1.0  # of what was learned: the weights go only so far from those of the start
    seed: int = 11


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
    rng = random.Random(recipe.seed)
    torch.manual_seed(recipe.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = read_model(recipe.start, recipe.kind).to(device).eval()  # without dropout: few steps to rob
    start = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = _optimizer(model, recipe)
    rates = [part["lr"] for part in optimizer.param_groups]
    steps = recipe.groups // recipe.groups_a_step
    source = mix(files, rng)
    average = Average()
    begun, worked, pairs_done = time.monotonic(), time.process_time(), 0
    losses: list[float] = []
    for step in range(steps):
        done = max(step / steps, (time.process_time() - worked) / 60 / recipe.minutes)
        if done >= 1:
            break
        for part, rate in zip(optimizer.param_groups, rates, strict=True):
            part["lr"] = rate * _share(done, recipe.warm_up)
        whole = rng.random() < recipe.reading.whole  # all of a step alike, or most of it is padding
        groups = _batch(source, recipe, whole, rng)
        longest = recipe.max_whole if whole else recipe.max_tokens
        with torch.autocast(device, dtype=torch.bfloat16):
            read = model([g.question for g in groups], [g.texts for g in groups], longest)
        scores = read.float() + torch.tensor([g.known for g in groups], device=device)
        target = torch.zeros(len(groups), dtype=torch.long, device=device)  # the first of each answers
        loss = torch.nn.functional.cross_entropy(scores, target)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
        pairs_done += read.numel()
        if done >= 1 - recipe.average_last:
            average.add(model)
        if (step + 1) % 20 == 0:
            speed = pairs_done / (time.monotonic() - begun)
            loss_now = sum(losses[-20:]) / 20
            print(f"{done:.0%} step {step + 1} loss {loss_now:.3f} {speed:.1f} pairs/s", flush=True)
    if not average.weights:  # fewer steps than an average is made of
        average.add(model)
    learned = {name: start[name].lerp(value, recipe.kept) for name, value in average.weights.items()}
    model.load_state_dict({**model.state_dict(), **learned})
    model.save(out)


def _optimizer(model: Network, recipe: Recipe) -> torch.optim.Optimizer:
    freeze(model.encoder, recipe.freeze)
    parts = [{"params": weights, "lr": recipe.rate * times} for weights, times in model.rates()]
    return torch.optim.AdamW(parts, weight_decay=0.01)


def _batch(source: Iterator[Row], recipe: Recipe, whole: bool, rng: random.Random) -> list[Group]:
    how = recipe.reading
    words = _WHOLE if whole else how.words
    groups: list[Group] = []
    while len(groups) < recipe.groups_a_step:
        made = group(next(source), how, words, rng)
        if made is not None:
            groups.append(made)
    return groups


def freeze(model: Any, layers: int) -> None:
    """Keeps the embeddings and the lowest `layers` layers as they are; with 0 nothing."""
    if not layers:
        return
    frozen = [model.base_model.embeddings, *model.base_model.encoder.layer[:layers]]
    for part in frozen:
        for weight in part.parameters():
            weight.requires_grad = False


def _share(done: float, warm_up: float) -> float:
    """Of the rate: linear warm-up, then linear decay. `done` is the part of the training that is over."""
    return (done + 1e-3) / warm_up if done < warm_up else (1 - done) / (1 - warm_up)


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("out", type=Path)
    options.add_argument("--start", type=Path, required=True, help="folder of the model to go on from")
    options.add_argument("--data", nargs="+", required=True, metavar="FILE[:SHARE]")
    options.add_argument("--kind", choices=("cross", "late"), default="cross")
    options.add_argument("--groups", type=int, required=True)
    options.add_argument("--minutes", type=float, default=1e9)
    options.add_argument("--rate", type=float, default=3e-5)
    options.add_argument("--freeze", type=int, default=0)
    options.add_argument("--fused", type=float, default=0.0)
    options.add_argument("--words", type=int, default=90)
    options.add_argument("--whole", type=float, default=0.1)
    options.add_argument("--kept", type=float, default=1.0)
    options.add_argument("--threads", type=int)
    options.add_argument("--seed", type=int, default=11)
    given = options.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    files = []
    for text in given.data:
        name, _, share = text.partition(":")
        files.append((Path(name), float(share or 1)))
    reading = Reading(words=given.words, whole=given.whole, fused=given.fused)
    recipe = Recipe(given.start, given.groups, given.kind, given.minutes, reading, given.rate,
                    freeze=given.freeze, kept=given.kept, seed=given.seed)  # fmt: skip
    train(given.out, recipe, files)


if __name__ == "__main__":
    main()
