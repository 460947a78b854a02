"""The database schema as a list of SQL migrations, which ``chat_file`` applies to a new or an older chat state.
Never change one that was released; add another one.
"""

STEPS = (
    """
    CREATE TABLE people (
        username    TEXT PRIMARY KEY,
        public_key  TEXT NOT NULL,
        signing_key TEXT NOT NULL,
        online      INTEGER NOT NULL DEFAULT 0,
        last_seen   REAL NOT NULL,
        last_ip     TEXT NOT NULL,
        added_at    REAL NOT NULL,
        is_friend   INTEGER NOT NULL DEFAULT 0,
        auto_reply  INTEGER NOT NULL DEFAULT 0,
        pinned      INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE messages (
        arrival         INTEGER PRIMARY KEY AUTOINCREMENT,
        msg_id          TEXT NOT NULL UNIQUE,
        peer            TEXT NOT NULL,
        sender          TEXT NOT NULL,
        recipient       TEXT NOT NULL,
        text            TEXT NOT NULL,
        timestamp       TEXT NOT NULL,
        at              REAL NOT NULL,
        direction       TEXT NOT NULL CHECK (direction IN ('sent', 'received')),
        delivered       INTEGER NOT NULL,
        delivery_method TEXT NOT NULL,
        reactions       TEXT,
        is_read         INTEGER NOT NULL DEFAULT 0
    ) STRICT;

    CREATE INDEX messages_in_order ON messages (peer, at, arrival);
    CREATE INDEX messages_unread ON messages (peer) WHERE direction = 'received' AND is_read = 0;
    """,
    """
    CREATE TABLE peers (
        username            TEXT PRIMARY KEY,
        public_key          TEXT NOT NULL,
        signing_key         TEXT NOT NULL,
        node_id             TEXT NOT NULL DEFAULT '',
        address             TEXT NOT NULL DEFAULT '',
        verified            INTEGER NOT NULL DEFAULT 0,
        offered_public_key  TEXT,
        offered_signing_key TEXT
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE peer_inbox (
        digest TEXT PRIMARY KEY,
        peer   TEXT NOT NULL,
        msg_id TEXT NOT NULL,
        at     REAL NOT NULL,
        UNIQUE (peer, msg_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE peer_outbox (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        id       TEXT NOT NULL UNIQUE,
        peer     TEXT NOT NULL,
        notice   TEXT NOT NULL DEFAULT '',
        attempts INTEGER NOT NULL DEFAULT 0,
        written  INTEGER NOT NULL DEFAULT 0,
        next_at  REAL NOT NULL
    ) STRICT;
    """,
    """
    ALTER TABLE messages ADD COLUMN extra TEXT;
    """,
    """
    CREATE INDEX peer_outbox_in_order ON peer_outbox (peer, position);
    """,
    """
    ALTER TABLE peers ADD COLUMN acknowledges INTEGER NOT NULL DEFAULT 0;
    UPDATE peers SET acknowledges = 1 WHERE EXISTS (
        SELECT 1 FROM messages m WHERE m.peer = peers.username AND m.direction = 'sent' AND m.delivered = 1
        AND m.delivery_method = 'direct'
    );
    """,
    """
    CREATE TABLE peer_queued (
        msg_id TEXT PRIMARY KEY
    ) STRICT, WITHOUT ROWID;
    INSERT INTO peer_queued SELECT m.msg_id FROM messages m JOIN peers p ON p.username = m.peer
        WHERE m.direction = 'sent' AND m.delivered = 0 AND m.delivery_method = 'offline'
        AND m.msg_id NOT IN (SELECT id FROM peer_outbox);
    """,
    """
    ALTER TABLE peers ADD COLUMN rejected_public_key TEXT;
    ALTER TABLE peers ADD COLUMN rejected_signing_key TEXT;
    """,
    """
    CREATE TABLE peer_early_reactions (
        position INTEGER PRIMARY KEY,
        peer     TEXT NOT NULL,
        msg_id   TEXT NOT NULL,
        emoji    TEXT NOT NULL,
        UNIQUE (peer, msg_id, emoji)
    ) STRICT;
    """,
    """
    DROP INDEX peer_outbox_in_order;
    CREATE INDEX peer_outbox_in_order ON peer_outbox (peer, (notice = ''), position);
    """,
    """
    CREATE TABLE peer_queued_in_order (
        position INTEGER PRIMARY KEY,
        msg_id   TEXT NOT NULL UNIQUE
    ) STRICT;
    INSERT INTO peer_queued_in_order (msg_id)
        SELECT msg_id FROM peer_queued LEFT JOIN messages USING (msg_id) ORDER BY arrival;
    DROP TABLE peer_queued;
    ALTER TABLE peer_queued_in_order RENAME TO peer_queued;
    """,
)
