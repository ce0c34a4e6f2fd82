"""The network of our rerankers: a cross-encoder that starts as the bi-encoder it is made of.

Question and passage are read together, and the logit is the sum of what a bi-encoder would say and of what is
learned on top of it:

- a times the cosine of the mean of the question's tokens and the mean of the passage's;
- b times, over the question's tokens, the weighted mean of the cosine of the most alike token of the passage
  (late interaction: Khattab & Zaharia, SIGIR 2020), the weights learned and at first equal;
- a classification head, at first zero.

A head alone starts at chance and needs some 100,000 pairs to leave it; this starts as a ranking and is better
after a thousand. An earlier reranker, which is only a head, is the same network with a = b = 0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

_HEAD = "head.safetensors"
_COSINE, _LIKENESS = 3.0, 12.0  # a and b at first: logits of the candidates then lie about 2 apart
_PADDED = 32  # tokens: few shapes, for each new one costs the processor a plan
_NOWHERE = -1e4  # where a maximum or a softmax should not look


class Matcher(nn.Module):
    """A BERT-like encoder with the head described above."""

    def __init__(self, encoder: Any, separators: tuple[int, int]) -> None:
        """`separators`: the ids of [CLS] and [SEP], which are neither question nor passage."""
        super().__init__()
        width = int(encoder.config.hidden_size)
        self.encoder = encoder
        self.separators = separators
        self.cosine = nn.Parameter(torch.tensor(_COSINE))
        self.likeness = nn.Parameter(torch.tensor(_LIKENESS))
        self.weight = nn.Linear(width, 1)
        self.classifier = nn.Linear(width, 1)
        for layer in (self.weight, self.classifier):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        nn.init.constant_(self.classifier.bias, -0.85 * (_COSINE + _LIKENESS))  # so that most are about 0

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
        """One logit a pair, float of shape (pairs, 1); the inputs are int64 of shape (pairs, tokens)."""
        read = self.encoder(input_ids=ids, attention_mask=mask, token_type_ids=types)
        tokens = read.last_hidden_state.float()
        first, last = self.separators
        inside = (ids != first) & (ids != last) & (mask != 0)
        asked = (inside & (types == 0)).float()
        said = (inside & (types == 1)).float()
        cosine = (_unit(_mean(tokens, asked)) * _unit(_mean(tokens, said))).sum(-1, keepdim=True)
        unit = _unit(tokens)
        alike = unit @ unit.transpose(1, 2) + _NOWHERE * (1 - said)[:, None, :]
        weights = torch.softmax(self.weight(tokens).squeeze(-1) + _NOWHERE * (1 - asked), dim=-1)
        likeness = (alike.max(-1).values.clamp(min=-1) * weights).sum(-1, keepdim=True)
        logit: torch.Tensor = self.classifier(read.pooler_output.float())
        return logit + self.cosine * cosine + self.likeness * likeness


def _mean(tokens: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
    """Of the tokens that count: (pairs, width)."""
    return (tokens * which[..., None]).sum(1) / which.sum(1, keepdim=True).clamp(min=1)


def _unit(vectors: torch.Tensor) -> torch.Tensor:
    """Of length 1."""
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp(min=1e-6)


def read_model(folder: Path, *, eager: bool = False) -> Matcher:
    """The model in `folder`: one of ours, a bi-encoder to start from, or a cross-encoder with one logit.

    `eager` takes the plain operators that an export needs.
    """
    from safetensors.torch import load_file
    from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    separators = (int(tokenizer.cls_token_id), int(tokenizer.sep_token_id))
    attention = "eager" if eager else "sdpa"
    names = AutoConfig.from_pretrained(folder).architectures or []
    if any("SequenceClassification" in name for name in names):
        whole = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=torch.float32, attn_implementation=attention
        )
        model = Matcher(whole.base_model, separators)
        model.classifier.load_state_dict(whole.classifier.state_dict())
        with torch.no_grad():
            model.cosine.zero_()
            model.likeness.zero_()
        return model
    encoder = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention)
    model = Matcher(encoder, separators)
    if (folder / _HEAD).is_file():
        model.load_state_dict(load_file(folder / _HEAD), strict=False)
    return model


def write_model(model: Matcher, tokenizer: Any, folder: Path) -> None:
    """Encoder and tokenizer as transformers keeps them, and the head beside them."""
    from safetensors.torch import save_file

    model.encoder.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    head = {k: v.contiguous() for k, v in model.state_dict().items() if not k.startswith("encoder.")}
    save_file(head, folder / _HEAD)


def logits(model: Matcher, tokenizer: Any, pairs: list[tuple[str, str]], max_tokens: int) -> torch.Tensor:
    """A logit a pair, float of shape (pairs,), on the model's device; the longer text is cut first."""
    device = model.cosine.device
    encoded = tokenizer(
        [question for question, _ in pairs], [text for _, text in pairs], padding=True,
        truncation="longest_first", max_length=max_tokens, pad_to_multiple_of=_PADDED, return_tensors="pt",
    ).to(device)  # fmt: skip
    with torch.autocast(device.type, dtype=torch.bfloat16):
        read: torch.Tensor = model(encoded.input_ids, encoded.attention_mask, encoded.token_type_ids)
    return read.float().squeeze(-1)
