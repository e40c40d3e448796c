-- The journal: its head, its state, its amendments, what is unresolved, and the list of partitions.
-- Events live in tables event_1, event_2 ... (see EventTable.cs): one growing table loses three quarters of its speed.

CREATE TABLE head (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    journal_id BLOB    NOT NULL,
    dedupe_key BLOB    NOT NULL,
    sequence   INTEGER NOT NULL,   -- the last sequence given
    version    INTEGER NOT NULL    -- the last version given to a row of state
);

CREATE TABLE state (
    name    TEXT    NOT NULL,
    key     TEXT    NOT NULL,
    version INTEGER NOT NULL,
    value   BLOB    NOT NULL,
    PRIMARY KEY (name, key)
) WITHOUT ROWID;

CREATE TABLE amendment (
    sequence INTEGER PRIMARY KEY,
    target   INTEGER NOT NULL,
    changes  BLOB    NOT NULL      -- JSON: only the fields that change, and who says so
);
CREATE INDEX amendment_target ON amendment (target);

CREATE TABLE unresolved (
    address   TEXT    NOT NULL,
    sequence  INTEGER NOT NULL,
    source    TEXT    NOT NULL,
    time      INTEGER NOT NULL,
    precision INTEGER NOT NULL,
    PRIMARY KEY (address, sequence)
) WITHOUT ROWID;

CREATE TABLE partition (
    number         INTEGER PRIMARY KEY,
    first_sequence INTEGER NOT NULL,
    rows           INTEGER,        -- these three are written when the partition is full and never change again
    prioritised    INTEGER,
    filter         BLOB
);
