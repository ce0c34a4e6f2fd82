"""The networks of our rerankers: a cross-encoder, and a late interaction that starts as a bi-encoder.

A cross-encoder's new head starts at chance and needs some 100,000 pairs to leave it. A late interaction
(Khattab & Zaharia, SIGIR 2020) reads question and passage apart, and so ranks before it is trained at all.
Its logit is the sum of three cosines, each times a number that is learned:

- the mean of the question's tokens and the mean of the passage's, which is what a bi-encoder compares;
- each token of the question and the token of the passage most like it, weighted, the weights learned and at
  first equal;
- the mean of the question's tokens and the most alike mean of 32 tokens in a row of the passage.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from torch.nn.functional import normalize, pad

Kind = Literal["cross", "late"]
_HEAD = "late.safetensors"
_FIRST = (1.5, 8.0, 1.5)  # times the three cosines, before training
_USUAL = 0.5  # cosine of a candidate: with it taken off, logits are about 0, as the blend expects
_WINDOW = 32
_QUESTION = 96  # tokens of a question at most
_PADDED = 32  # tokens: few shapes, for each new one costs the processor a plan
_NOWHERE = -1e4  # where a maximum or a softmax should not look


class CrossEncoder(nn.Module):
    """Reads question and passage together; any BERT-like model with one logit."""

    def __init__(self, network: Any, tokenizer: Any) -> None:
        """`network` is a sequence classifier of transformers."""
        super().__init__()
        self.network = network
        self.tokenizer = tokenizer
        self.encoder = network.base_model

    def forward(self, questions: Sequence[str], texts: Sequence[Sequence[str]], longest: int) -> torch.Tensor:
        """Logits, float of shape (questions, texts of each); every question has equally many texts.

        A pair is cut to `longest` tokens, the longer of the two first.
        """
        pairs = [(question, text) for question, own in zip(questions, texts, strict=True) for text in own]
        encoded = self.tokenizer(
            [question for question, _ in pairs], [text for _, text in pairs], padding=True,
            truncation="longest_first", max_length=longest, pad_to_multiple_of=_PADDED, return_tensors="pt",
        ).to(self.network.device)  # fmt: skip
        logits: torch.Tensor = self.network(**encoded).logits
        return logits.float().view(len(questions), -1)

    def rates(self) -> list[tuple[list[nn.Parameter], float]]:
        """Its weights, with how many times the rate each is to be trained at."""
        return [([p for p in self.parameters() if p.requires_grad], 1.0)]

    def save(self, folder: Path) -> None:
        """As transformers keeps it."""
        self.network.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)


class LateInteraction(nn.Module):
    """Reads question and passage apart and compares their tokens; see above."""

    def __init__(self, encoder: Any, tokenizer: Any) -> None:
        """`encoder` is a bi-encoder's, whose vectors are means of tokens."""
        super().__init__()
        self.encoder = encoder
        self.tokenizer = tokenizer
        self.times = nn.Parameter(torch.tensor(_FIRST))
        self.weight = nn.Linear(int(encoder.config.hidden_size), 1, bias=False)
        nn.init.zeros_(self.weight.weight)

    def forward(self, questions: Sequence[str], texts: Sequence[Sequence[str]], longest: int) -> torch.Tensor:
        """As CrossEncoder.forward; `longest` is a passage's."""
        asked, asked_inside = self._tokens(questions, _QUESTION)
        said, inside = self._tokens([text for own in texts for text in own], longest)
        question = normalize(_mean(asked, asked_inside), dim=-1)
        passage = normalize(_mean(said, inside), dim=-1).view(len(questions), -1, said.shape[-1])
        unit = normalize(said, dim=-1).view(*passage.shape[:2], *said.shape[1:])
        outside = 1 - inside.view(*passage.shape[:2], 1, -1)
        alike = torch.einsum("gid,gkjd->gkij", normalize(asked, dim=-1), unit) + _NOWHERE * outside
        weights = torch.softmax(self.weight(asked).squeeze(-1) + _NOWHERE * (1 - asked_inside), dim=-1)
        windows = normalize(_windows(said, inside), dim=-1)
        windows = windows.view(*passage.shape[:2], *windows.shape[1:])
        cosines = (
            torch.einsum("gd,gkd->gk", question, passage),
            (alike.amax(-1).clamp(min=-1) * weights[:, None, :]).sum(-1),
            torch.einsum("gd,gkjd->gkj", question, windows).amax(-1),
        )
        logits: torch.Tensor = ((torch.stack(cosines, dim=-1) - _USUAL) * self.times).sum(-1)
        return logits

    def _tokens(self, texts: Sequence[str], longest: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Token vectors (texts, tokens, width), and 1 where a token is of the text itself, else 0."""
        encoded = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=longest, pad_to_multiple_of=_PADDED,
            return_tensors="pt", return_special_tokens_mask=True,
        ).to(self.times.device)  # fmt: skip
        special = encoded.pop("special_tokens_mask")
        inside = (encoded.attention_mask * (1 - special)).float()
        return self.encoder(**encoded).last_hidden_state.float(), inside

    def rates(self) -> list[tuple[list[nn.Parameter], float]]:
        """See CrossEncoder: what is new learns faster, and the three numbers are not of a weight's size."""
        encoder = [p for p in self.encoder.parameters() if p.requires_grad]
        return [(encoder, 1.0), ([self.weight.weight], 25.0), ([self.times], 600.0)]

    def save(self, folder: Path) -> None:
        """The encoder as transformers keeps it, and what is new beside it."""
        from safetensors.torch import save_file

        self.encoder.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        save_file({"times": self.times.detach(), "weight": self.weight.weight.detach()}, folder / _HEAD)


Network = CrossEncoder | LateInteraction


def _mean(tokens: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
    """Of the tokens that count: (texts, width)."""
    return (tokens * inside[..., None]).sum(1) / inside.sum(1, keepdim=True).clamp(min=1)


def _windows(tokens: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
    """Sums of so many tokens in a row, (texts, windows, width); to a cosine they are as good as means."""
    sums = pad((tokens * inside[..., None]).cumsum(1), (0, 0, 1, 0))
    size = min(_WINDOW, tokens.shape[1])
    return sums[:, size:] - sums[:, :-size]


def is_late(folder: Path) -> bool:
    """Whether a trained late interaction is in `folder`."""
    return (folder / _HEAD).is_file()


def read_model(folder: Path, kind: Kind | None = None) -> Network:
    """The model in `folder`; without `kind`, a late interaction if one was saved there."""
    from safetensors.torch import load_file
    from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    if (kind or ("late" if is_late(folder) else "cross")) == "cross":
        network = AutoModelForSequenceClassification.from_pretrained(
            folder, num_labels=1, dtype=torch.float32
        )
        return CrossEncoder(network, tokenizer)
    model = LateInteraction(AutoModel.from_pretrained(folder, dtype=torch.float32), tokenizer)
    if is_late(folder):
        head = load_file(folder / _HEAD)
        with torch.no_grad():
            model.times.copy_(head["times"])
            model.weight.weight.copy_(head["weight"])
    return model
