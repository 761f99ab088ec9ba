-- The audit log as a Merkle tree (RFC 6962): event n is leaf n - 1. Leaves and nodes stand in tiles of up to 256 hashes, as
-- C2SP tlog-tiles cuts them: level 0 holds leaves, level n the roots of full tiles of level n - 1. Only the last tile of a
-- level is ever written again, when it becomes wider.
CREATE TABLE audit_tiles (
    level    INTEGER NOT NULL CHECK (level BETWEEN 0 AND 7),
    position INTEGER NOT NULL CHECK (position >= 0),
    width    INTEGER NOT NULL CHECK (width BETWEEN 1 AND 256),
    hashes   BLOB NOT NULL CHECK (length(hashes) = 32 * width),
    PRIMARY KEY (level, position)
) STRICT;

-- How many events are in the tree, and the chain's link of the last of them. Whoever makes the tree grow changes this row
-- in the same transaction, if it is still as they found it.
CREATE TABLE audit_tree (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    size  INTEGER NOT NULL,
    chain BLOB NOT NULL
) STRICT;
INSERT INTO audit_tree (id, size, chain)
VALUES (1, 0, X'0000000000000000000000000000000000000000000000000000000000000000');

-- What was signed, as C2SP signed notes, and the key that they can be checked with. None is ever changed.
CREATE TABLE audit_checkpoints (
    size     INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    note     TEXT NOT NULL,
    verifier TEXT NOT NULL
) STRICT;
