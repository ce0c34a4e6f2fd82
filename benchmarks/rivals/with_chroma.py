"""Chroma: a persistent collection with a sentence-transformers embedding function; no search by words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.rivals.driver import Hit, Search, Text, main


class Chroma:
    """Driven as its documentation does, but for the embedding function: its own would fetch a model."""

    whole_papers = False

    def index(self, texts: Sequence[Text], model: Path, folder: Path) -> None:
        """As many texts a call as the client allows."""
        client, embed = _parts(model, folder)
        collection = client.create_collection("papers", embedding_function=embed)
        most = client.get_max_batch_size()
        for at in range(0, len(texts), most):
            batch = texts[at : at + most]
            collection.add(ids=[text.name for text in batch], documents=[text.text for text in batch])

    def open(self, model: Path, folder: Path) -> Search:
        """The embedding function has to be given again."""
        client, embed = _parts(model, folder)
        collection = client.get_collection("papers", embedding_function=embed)

        def search(question: str, limit: int) -> list[Hit]:
            found = collection.query(query_texts=[question], n_results=limit)
            return [Hit(*pair) for pair in zip(found["ids"][0], found["documents"][0], strict=True)]

        return search


def _parts(model: Path, folder: Path) -> tuple[Any, Any]:
    import chromadb
    from chromadb.config import Settings
    from chromadb.utils.embedding_functions import SentenceTransformerEmbeddingFunction

    client = chromadb.PersistentClient(path=str(folder), settings=Settings(anonymized_telemetry=False))
    return client, SentenceTransformerEmbeddingFunction(model_name=str(model))


if __name__ == "__main__":
    main(Chroma())
