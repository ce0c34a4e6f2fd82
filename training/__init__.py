"""How citewell's reranker is trained, judged and exported. Not part of the installed package."""
