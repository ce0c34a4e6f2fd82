"""LlamaIndex: its own vector index and its BM25 retriever, fused by reciprocal ranks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.rivals.driver import LIMIT, Hit, Search, Text, main


class LlamaIndex:
    """Driven as its documentation does; no language model makes more queries of a question."""

    whole_papers = False

    def index(self, texts: Sequence[Text], model: Path, folder: Path) -> None:
        """Each text is a node already."""
        from llama_index.core import VectorStoreIndex
        from llama_index.core.schema import TextNode
        from llama_index.retrievers.bm25 import BM25Retriever

        nodes = [TextNode(id_=text.name, text=text.text) for text in texts]
        index = VectorStoreIndex(nodes, embed_model=_embedding(model))
        index.storage_context.persist(persist_dir=str(folder / "vectors"))
        words = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=LIMIT)
        words.persist(str(folder / "words"))

    def open(self, model: Path, folder: Path) -> Search:
        """Both retrievers from what was kept."""
        from llama_index.core import StorageContext, load_index_from_storage
        from llama_index.core.llms import MockLLM
        from llama_index.core.retrievers import QueryFusionRetriever
        from llama_index.retrievers.bm25 import BM25Retriever

        storage = StorageContext.from_defaults(persist_dir=str(folder / "vectors"))
        index = load_index_from_storage(storage, embed_model=_embedding(model))
        retriever = QueryFusionRetriever(
            [
                index.as_retriever(similarity_top_k=LIMIT),
                BM25Retriever.from_persist_dir(str(folder / "words")),
            ],
            llm=MockLLM(),
            similarity_top_k=LIMIT,
            num_queries=1,
            mode="reciprocal_rerank",
            use_async=False,
        )

        def search(question: str, limit: int) -> list[Hit]:
            return [
                Hit(found.node.node_id, found.node.text) for found in retriever.retrieve(question)[:limit]
            ]

        return search


def _embedding(model: Path) -> Any:
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding

    return HuggingFaceEmbedding(model_name=str(model))


if __name__ == "__main__":
    main(LlamaIndex())
