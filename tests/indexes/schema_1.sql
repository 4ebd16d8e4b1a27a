-- The tables as version 1 of the library made them; a library of that version must still open.
CREATE TABLE documents (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    title TEXT NOT NULL,
    authors TEXT NOT NULL, -- JSON array of strings
    year INTEGER,
    doi TEXT,
    media_type TEXT NOT NULL,
    collection TEXT NOT NULL,
    page_count INTEGER NOT NULL,
    characters INTEGER NOT NULL,
    notes TEXT NOT NULL -- JSON array of strings
);
CREATE INDEX documents_by_collection ON documents (collection);

-- The ledger: one row for each file ever met, whatever became of it.
CREATE TABLE sources (
    path TEXT NOT NULL,
    collection TEXT NOT NULL,
    document INTEGER REFERENCES documents (number) ON DELETE SET NULL,
    content_hash TEXT NOT NULL DEFAULT '', -- of the bytes last looked at
    size INTEGER NOT NULL DEFAULT 0,
    modified_ns INTEGER NOT NULL DEFAULT 0, -- a hint for people; identity is the hash
    fate TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    updated TEXT NOT NULL, -- UTC, ISO 8601
    PRIMARY KEY (path, collection)
) WITHOUT ROWID;
CREATE INDEX sources_by_document ON sources (document);

CREATE TABLE pages (
    document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
    page INTEGER NOT NULL,
    start INTEGER NOT NULL, -- offset of its first character in the document's text
    text TEXT NOT NULL,
    PRIMARY KEY (document, page)
) WITHOUT ROWID;

-- The text is stored although pages hold it too: SQLite counts characters by scanning, so cutting a passage
-- out of a long page costs the whole page, and the keyword index reads this column as its content.
-- AUTOINCREMENT: a number is never used again, so a dense index that is behind cannot name a wrong passage.
CREATE TABLE passages (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    page INTEGER NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    section TEXT,
    text TEXT NOT NULL,
    UNIQUE (document, ordinal)
);

CREATE VIRTUAL TABLE passages_fts USING fts5 (
    text, content = 'passages', content_rowid = 'number', tokenize = 'porter unicode61 remove_diacritics 2'
);
-- Triggers, so that no statement can change a passage without its keyword row.
CREATE TRIGGER passage_added AFTER INSERT ON passages BEGIN
    INSERT INTO passages_fts (rowid, text) VALUES (new.number, new.text);
END;
CREATE TRIGGER passage_gone AFTER DELETE ON passages BEGIN
    INSERT INTO passages_fts (passages_fts, rowid, text) VALUES ('delete', old.number, old.text);
END;

CREATE TABLE encoders (
    number INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    dimensions INTEGER NOT NULL
);
CREATE TABLE vectors (
    position INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of storing
    passage INTEGER NOT NULL REFERENCES passages (number) ON DELETE CASCADE,
    encoder INTEGER NOT NULL REFERENCES encoders (number),
    vector BLOB NOT NULL, -- little-endian float32, unit length
    UNIQUE (passage, encoder)
);
CREATE INDEX vectors_by_encoder ON vectors (encoder);

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
