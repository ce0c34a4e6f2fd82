"""txtai: a hybrid index (its BM25 and FAISS), the texts stored in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.rivals.driver import Hit, Search, Text, main


class Txtai:
    """Driven as its documentation does."""

    whole_papers = False

    def index(self, texts: Sequence[Text], model: Path, folder: Path) -> None:
        """One call for all texts; what is not said is as txtai has it."""
        from txtai import Embeddings

        embeddings = Embeddings(path=str(model), hybrid=True, content=True)
        embeddings.index((text.name, text.text, None) for text in texts)
        embeddings.save(str(folder / "index"))

    def open(self, model: Path, folder: Path) -> Search:
        """The model's path is in the saved configuration."""
        from txtai import Embeddings

        embeddings = Embeddings()
        embeddings.load(str(folder / "index"))

        def search(question: str, limit: int) -> list[Hit]:
            return [Hit(row["id"], row["text"]) for row in embeddings.search(question, limit)]

        return search


if __name__ == "__main__":
    main(Txtai())
