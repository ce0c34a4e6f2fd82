"""LaTeX as readable words: the common signs as characters, the rest as it stands."""

from __future__ import annotations

import re

_SIGNS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε",
    "zeta": "ζ", "eta": "η", "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ",
    "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "varphi": "φ", "chi": "χ", "psi": "ψ",
    "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Sigma": "Σ", "Phi": "Φ",
    "Psi": "Ψ", "Omega": "Ω", "pm": "±", "mp": "∓", "times": "×", "cdot": "·", "div": "÷", "leq": "≤",
    "le": "≤", "geq": "≥", "ge": "≥", "neq": "≠", "ne": "≠", "approx": "≈", "sim": "~", "equiv": "≡",
    "propto": "∝", "infty": "∞", "partial": "∂", "sum": "∑", "prod": "∏", "int": "∫", "in": "∈",
    "to": "→", "rightarrow": "→", "leftarrow": "←", "uparrow": "↑", "downarrow": "↓", "degree": "°",
    "circ": "°", "prime": "′", "ldots": "…", "dots": "…", "ll": "≪", "gg": "≫", "quad": " ",
    "qquad": " ",
}  # fmt: skip
_COMMAND = re.compile(r"\\([A-Za-z]{1,30})(?![A-Za-z])")
_STYLE = re.compile(
    r"\\(?:text|mathrm|mathbf|mathit|mathsf|textit|textbf|operatorname|mathcal|mbox|rm)\s*\{([^{}]*)\}"
)
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_ROOT = re.compile(r"\\sqrt\s*\{([^{}]*)\}")
_SCRIPT = re.compile(r"\s*([_^])\s*\{\s*([^{}]*?)\s*\}")
_ESCAPED = re.compile(r"\\([%&$#_{} ])")
_THIN_SPACE = re.compile(r"\\[,;:!>]|(?<!\\)~")
_ROUNDS = 4  # how deep braces are read; what is nested deeper stays as LaTeX


def readable(latex: str) -> str:
    r"""`p \leq 0.05` as "p ≤ 0.05", `\frac{a}{b}` as "a/b"; unknown commands stay as they are."""
    text = _THIN_SPACE.sub(" ", latex)
    text = _COMMAND.sub(lambda found: _SIGNS.get(found.group(1), found.group()), text)
    for _ in range(_ROUNDS):
        text = _STYLE.sub(r"\1", text)
        text = _SCRIPT.sub(r"\1\2", text)
        text = _ROOT.sub(r"√(\1)", text)
        text = _FRACTION.sub(r"\1/\2", text)
    text = re.sub(r"\\(?:left|right)(?=[^A-Za-z])\.?", "", text)
    return _ESCAPED.sub(r"\1", text)
