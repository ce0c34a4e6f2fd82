"""paper-qa: its folder index (tantivy), and its retrieval among the chunks of the papers that this finds.

An agent of a language model would choose the words to search for, and read each chunk; both are left out:
the question itself is searched for, and the chunks are taken as they are ranked: a lower bound of its time.
"""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.rivals.driver import Hit, Search, Text, main


class PaperQa:
    """Its own chunks (5,000 characters, of which the model reads the beginning) and its own settings, but for
    what would ask a language model or the network."""

    whole_papers = True

    def index(self, texts: Sequence[Text], model: Path, folder: Path) -> None:
        """Papers are files with a manifest, so that no language model has to find out their titles."""
        from paperqa.agents.search import get_directory_index
        from paperqa.utils import md5sum

        papers = folder / "papers"
        papers.mkdir()
        with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("file_location", "title", "citation"))
            for text in texts:
                (papers / f"{text.name}.txt").write_text(text.text, "utf-8")
                rows.writerow((f"{text.name}.txt", text.title, text.title))
        asyncio.run(get_directory_index(settings=_settings(model, folder)))
        # Papers get names of its own making; what they keep is the hash of their file.
        names = {md5sum(papers / f"{text.name}.txt"): text.name for text in texts}
        (folder / "names.json").write_text(json.dumps(names), "utf-8")

    def open(self, model: Path, folder: Path) -> Search:
        """As its tools for paper search and gathering evidence do it."""
        from paperqa import Docs
        from paperqa.agents.search import get_directory_index

        names = json.loads((folder / "names.json").read_text("utf-8"))
        settings = _settings(model, folder)
        embedding = settings.get_embedding_model()
        runner = asyncio.Runner()
        index = runner.run(get_directory_index(settings=settings, build=False))

        async def find(question: str, limit: int) -> list[Hit]:
            docs = Docs()
            papers = await index.query(
                question,
                top_n=settings.agent.search_count,
                field_subset=[name for name in index.fields if name != "year"],
            )
            for paper in papers:
                await docs.aadd_texts(
                    texts=paper.texts,
                    doc=next(iter(paper.docs.values())),
                    settings=settings,
                    embedding_model=embedding,
                )
            found = await docs.retrieve_texts(question, limit, settings, embedding)
            return [Hit(text.name, text.text, names[text.doc.content_hash]) for text in found]

        return lambda question, limit: runner.run(find(question, limit))


def _settings(model: Path, folder: Path) -> Any:
    from paperqa import Settings

    return Settings(
        embedding=f"st-{model}",
        parsing={"use_doc_details": False, "multimodal": False},
        agent={
            "index": {
                "name": "papers",
                "paper_directory": folder / "papers",
                "index_directory": folder / "index",
                "manifest_file": folder / "manifest.csv",
            }
        },
    )


if __name__ == "__main__":
    main(PaperQa())
