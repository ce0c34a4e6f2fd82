"""The tables of a library, and how an older library becomes a current one.

Ids are AUTOINCREMENT and so never given twice: an index that is behind can miss a passage but never
name the wrong one. The full-text index takes its content from a view on the other tables, so there is
no second copy of the text that could drift, and SQLite itself can check and rebuild it.
"""

from __future__ import annotations

import sqlite3

from index.errors import LibraryDamaged, LibraryTooNew

VERSION = 3

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

-- What `sync` follows: folders, and files that were added one by one.
CREATE TABLE roots (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL UNIQUE,
    folder INTEGER NOT NULL
) STRICT;

-- One row a file. 'indexed': its text is the paper's text. 'other': the same paper, indexed from a better
-- file. 'failed': no paper, with the reason. 'excluded': the user removed the paper but kept the file.
CREATE TABLE sources (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL UNIQUE,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('indexed', 'other', 'failed', 'excluded')),
    format TEXT NOT NULL DEFAULT '',
    recipe TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    hint TEXT NOT NULL DEFAULT '',
    paper_id INTEGER REFERENCES papers (id)
) STRICT;
CREATE INDEX sources_paper ON sources (paper_id);

CREATE TABLE papers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE COLLATE NOCASE,
    title TEXT NOT NULL,
    year INTEGER,
    doi TEXT,
    pmcid TEXT,
    pmid TEXT,
    arxiv TEXT,
    text_sha256 TEXT NOT NULL,
    record TEXT NOT NULL,
    format TEXT NOT NULL,
    body_missing INTEGER NOT NULL,
    notes TEXT NOT NULL,
    added TEXT NOT NULL,
    updated TEXT NOT NULL
) STRICT;
CREATE INDEX papers_doi ON papers (doi);
CREATE INDEX papers_pmcid ON papers (pmcid);
CREATE INDEX papers_pmid ON papers (pmid);
CREATE INDEX papers_arxiv ON papers (arxiv);
CREATE INDEX papers_text ON papers (text_sha256);
CREATE INDEX papers_title ON papers (title COLLATE NOCASE);

CREATE TABLE revisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    paper_id INTEGER NOT NULL UNIQUE REFERENCES papers (id) ON DELETE CASCADE,
    source_id INTEGER NOT NULL,
    title TEXT NOT NULL,
    lists TEXT NOT NULL, -- references and entities, as JSON
    text TEXT NOT NULL
) STRICT;

CREATE TABLE sections (
    revision_id INTEGER NOT NULL REFERENCES revisions (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    path TEXT NOT NULL,
    heading TEXT NOT NULL,
    caption TEXT NOT NULL,
    kind TEXT NOT NULL,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    PRIMARY KEY (revision_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE pages (
    revision_id INTEGER NOT NULL REFERENCES revisions (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    PRIMARY KEY (revision_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE passages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    revision_id INTEGER NOT NULL REFERENCES revisions (id) ON DELETE CASCADE,
    paper_id INTEGER NOT NULL REFERENCES papers (id) ON DELETE CASCADE,
    section INTEGER NOT NULL,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    header TEXT NOT NULL
) STRICT;
CREATE INDEX passages_revision ON passages (revision_id);
CREATE INDEX passages_paper ON passages (paper_id);

CREATE TABLE models (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest TEXT NOT NULL UNIQUE,
    fingerprint TEXT NOT NULL,
    active INTEGER NOT NULL
) STRICT;

-- float16 rows, little-endian, one for each passage of the revision in the order of their ids.
CREATE TABLE vectors (
    revision_id INTEGER NOT NULL REFERENCES revisions (id) ON DELETE CASCADE,
    model_id INTEGER NOT NULL REFERENCES models (id),
    count INTEGER NOT NULL,
    crc32 INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (revision_id, model_id)
) STRICT;

CREATE TABLE snapshots (
    file TEXT PRIMARY KEY,
    model_id INTEGER NOT NULL REFERENCES models (id),
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    count INTEGER NOT NULL,
    last_passage_id INTEGER NOT NULL
) STRICT;

CREATE VIEW passage_search (id, title, heading, text) AS
SELECT p.id, r.title, s.heading || ' ' || s.caption, substr(r.text, p.start + 1, p.stop - p.start)
FROM passages p
JOIN revisions r ON r.id = p.revision_id
JOIN sections s ON s.revision_id = p.revision_id AND s.position = p.section;

CREATE VIRTUAL TABLE passage_fts USING fts5 (
    title, heading, text,
    content = 'passage_search', content_rowid = 'id',
    tokenize = 'porter unicode61 remove_diacritics 2'
);

INSERT INTO meta VALUES ('generation', '0');
"""

# What turns a library of each earlier version into one of the next.
_MIGRATIONS = {
    1: """
-- One row a paper that was asked of the network. 'served': `path` is the file that came.
CREATE TABLE requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    wanted TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'served', 'failed')),
    reason TEXT NOT NULL,
    hint TEXT NOT NULL,
    service TEXT NOT NULL,
    url TEXT NOT NULL,
    path TEXT NOT NULL,
    facts TEXT NOT NULL,
    tries INTEGER NOT NULL,
    updated TEXT NOT NULL
) STRICT;
CREATE INDEX requests_path ON requests (path);
""",
    2: """
-- What users call papers. NOCASE: whoever writes "Safety" finds "safety".
CREATE TABLE tags (
    paper_id INTEGER NOT NULL REFERENCES papers (id) ON DELETE CASCADE,
    name TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (paper_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_name ON tags (name);
""",
}


def prepare(connection: sqlite3.Connection) -> None:
    """Creates the tables of a new library or brings an older one up to date, in one transaction.

    Raises LibraryTooNew, leaving the file as it is, for a library of a later version.
    """
    if check_version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = check_version(connection)  # another process may have been here first
        scripts = [_TABLES] if version == 0 else []
        scripts += [script for before, script in _MIGRATIONS.items() if before >= version]
        for statement in (statement for script in scripts for statement in _statements(script)):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def check_version(connection: sqlite3.Connection) -> int:
    """The schema's version, 0 for an empty file; LibraryTooNew if this citewell does not know it."""
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise LibraryDamaged(
            f"library.db is not a citewell library: {error}",
            "Restore it from a backup, or move it away and run: citewell add FOLDER",
        ) from error
    if version > VERSION:
        raise LibraryTooNew(
            f"this library was written by a newer citewell (schema {version}, this one knows {VERSION})",
            "Upgrade with: pip install --upgrade citewell",
        )
    return int(version)


def _statements(script: str) -> list[str]:
    """The script's statements one by one: executescript would commit before it begins."""
    found: list[str] = []
    current = ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            found.append(current)
            current = ""
    return found
