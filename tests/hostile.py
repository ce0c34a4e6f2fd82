"""Words that would do harm if a terminal, Textual or Rich obeyed them.

Each escape carries a mark of its own: MARK, or the name of what it would do. Where one of those follows an
ESC or a C1 control on its way to the terminal, something of a paper's was obeyed.
"""

from __future__ import annotations

MARK = "PWNED"
ESCAPES = {
    "clipboard": f"\x1b]52;c;{MARK}\x07",
    "title": f"\x1b]0;{MARK}\x07",
    "link": f"\x1b]8;;https://{MARK}.example\x1b\\here\x1b]8;;\x1b\\",
    "device": f"\x1bP+q{MARK}\x1b\\",
    "colour": "\x1b[38;2;66;6;66m",
    "erase": "\x1b[66J",
    "c1 colour": "\x9b38;2;66;6;66m",
    "c1 clipboard": f"\x9d52;c;{MARK}\x9c",
    "alone": "\x1b",
    "bell": "\x07\x08\x0b\x0c\x0e\x7f",
    "line drawing": "\x1b(0",
    "mouse": "\x1b[?1066h",
}
BIDI = "\u202etxet\u202c \u2066isolated\u2069 \u200fmark\u061c"
MARKUP = "[red]x[/red] [/foo] [@click=app.quit]leave[/] [bold #ff0000 on #00ff00]y[/] [[z]] \\[w]"
ZERO_WIDTH = "ze\u200bro\u200cwi\u200ddth\ufeff\u00ad"
EMOJI = "👩‍👩‍👧‍👦 👨🏿‍🚀 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🇨🇭 ☂️ ㊙️ e\u0301"
COMBINING = "z" + "\u0301\u0323\u0489" * 60
LONG = "interminable " * 400  # 5,200 characters
TEXTS = (*ESCAPES.values(), BIDI, MARKUP, ZERO_WIDTH, EMOJI, COMBINING, LONG)
ALL = " ".join([*ESCAPES.values(), BIDI, MARKUP, ZERO_WIDTH, EMOJI])
