-- The journal. Texts hold no U+0000, which PostgreSQL cannot keep: see StoredText.cs. Times are ticks of 100 ns since 1970, which timestamptz would
-- round; "tie" is (nanoseconds past the tick << 56) | sequence, so that (ticks, tie) is the order of time and then of the journal, in two numbers.

CREATE TABLE tocsin.head (
    one         integer PRIMARY KEY CHECK (one = 1),
    journal_id  uuid    NOT NULL,
    dedupe_key  bytea   NOT NULL,
    sequence    bigint  NOT NULL,   -- the last sequence given
    version     bigint  NOT NULL,   -- the last version given to a row of state
    prioritised bigint  NOT NULL    -- events committed with a priority
) WITH (fillfactor = 10);

-- How far sequences are promised to transactions that are under way. A hint: what it says wrongly is found out when the head is moved.
CREATE TABLE tocsin.reserved (
    one   integer PRIMARY KEY CHECK (one = 1),
    upto  bigint  NOT NULL,
    epoch bigint  NOT NULL
) WITH (fillfactor = 10);
INSERT INTO tocsin.reserved VALUES (1, 0, 0);

-- One row a transaction: tells whether it was committed, and where the keys written under its number stand.
CREATE TABLE tocsin.batch (
    number         bigint PRIMARY KEY,  -- made by the writer: see BatchNumber.cs
    first_sequence bigint NOT NULL,
    prioritised    bigint NOT NULL    -- events with a priority before it
);
CREATE INDEX ON tocsin.batch (prioritised, first_sequence);

-- The ids by which a repeat is known.
CREATE TABLE tocsin.key (
    id          uuid    NOT NULL PRIMARY KEY,
    fingerprint bigint  NOT NULL,
    batch       bigint  NOT NULL,
    place       integer NOT NULL      -- its sequence is the batch's first and this
) PARTITION BY HASH (id);

CREATE TABLE tocsin.event (
    sequence           bigint   NOT NULL PRIMARY KEY,
    ticks              bigint   NOT NULL,
    tie                bigint   NOT NULL,
    received_at        bigint   NOT NULL,
    fingerprint        bigint   NOT NULL,
    id                 uuid     NOT NULL,
    src                uuid,              -- the address as 16 bytes that sort as it does, IPv4 as ::ffff:0:0/96
    dst                uuid,
    precision          smallint NOT NULL,
    kind               smallint NOT NULL,
    priority           smallint NOT NULL,
    attribution        smallint NOT NULL,
    keyed              boolean  NOT NULL,
    source             text COLLATE "C" NOT NULL,
    type               text COLLATE "C" NOT NULL,
    device             text COLLATE "C",
    user_id            text COLLATE "C",
    attribution_source text COLLATE "C",
    address            text COLLATE "C",
    external_id        text COLLATE "C",
    src_ip             text COLLATE "C",
    dst_ip             text COLLATE "C",
    country            text COLLATE "C",
    description        text COLLATE "C",
    data               bytea
) PARTITION BY RANGE (sequence);
CREATE INDEX ON tocsin.event (id) WHERE NOT keyed;

CREATE TABLE tocsin.amendment (
    sequence bigint  NOT NULL PRIMARY KEY,
    target   bigint  NOT NULL,
    revises  boolean NOT NULL,        -- a newer version of the whole record: what came before it no longer shows
    changes  bytea   NOT NULL,        -- JSON: only the fields that change, and who says so
    data     bytea
);
CREATE INDEX ON tocsin.amendment (target, sequence);

-- How an amended event reads, from one amendment to the next: what filters ask of it.
CREATE TABLE tocsin.version (
    sequence      bigint   NOT NULL,  -- the event's
    from_sequence bigint   NOT NULL,  -- the amendment's
    to_sequence   bigint   NOT NULL,  -- the next one's
    ticks         bigint   NOT NULL,
    tie           bigint   NOT NULL,
    src           uuid,
    dst           uuid,
    kind          smallint NOT NULL,
    priority      smallint NOT NULL,
    source        text COLLATE "C" NOT NULL,
    type          text COLLATE "C" NOT NULL,
    device        text COLLATE "C",
    user_id       text COLLATE "C",
    external_id   text COLLATE "C",
    country       text COLLATE "C",
    PRIMARY KEY (sequence, from_sequence)
);

-- What filters ask for, each in the order of pages. Longer texts than a b-tree takes are left out, and found by time.
DO $$
DECLARE
    t text;
    c text;
BEGIN
    FOREACH t IN ARRAY ARRAY['event', 'version'] LOOP
        EXECUTE format('CREATE INDEX ON tocsin.%I (ticks, tie)', t);
        EXECUTE format('CREATE INDEX ON tocsin.%I (kind, ticks, tie)', t);
        EXECUTE format('CREATE INDEX ON tocsin.%I (priority, ticks, tie)', t);
        EXECUTE format('CREATE INDEX ON tocsin.%I (ticks, tie) WHERE user_id IS NULL', t);
        FOREACH c IN ARRAY ARRAY['source', 'type', 'device', 'user_id', 'country', 'external_id'] LOOP
            EXECUTE format('CREATE INDEX ON tocsin.%I (%I, ticks, tie) WHERE octet_length(%I) <= 2000', t, c, c);
        END LOOP;
        FOREACH c IN ARRAY ARRAY['src', 'dst'] LOOP
            EXECUTE format('CREATE INDEX ON tocsin.%I (%I, ticks, tie) WHERE %I IS NOT NULL', t, c, c);
        END LOOP;
    END LOOP;
    FOR n IN 0..7 LOOP
        EXECUTE format('CREATE TABLE tocsin.key_%s PARTITION OF tocsin.key FOR VALUES WITH (MODULUS 8, REMAINDER %s)', n, n);
    END LOOP;
END $$;

CREATE TABLE tocsin.state (
    name    text COLLATE "C" NOT NULL,
    key     text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    value   bytea  NOT NULL,
    PRIMARY KEY (name, key)
);

-- The newest version each node wrote of each name: what another node has to read again.
CREATE TABLE tocsin.state_change (
    name    text COLLATE "C" NOT NULL,
    node    uuid   NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (name, node)
);

CREATE TABLE tocsin.unresolved (
    address   text COLLATE "C" NOT NULL,
    sequence  bigint   NOT NULL,
    source    text COLLATE "C" NOT NULL,
    ticks     bigint   NOT NULL,
    precision smallint NOT NULL,
    PRIMARY KEY (address, sequence)
);
