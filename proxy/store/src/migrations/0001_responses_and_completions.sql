CREATE TABLE responses (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    previous_id TEXT,
    status TEXT NOT NULL,
    model TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX responses_expiry ON responses (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE items (
    tenant TEXT NOT NULL,
    response_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    direction TEXT NOT NULL,
    item_id TEXT,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, response_id, position),
    FOREIGN KEY (tenant, response_id) REFERENCES responses (tenant, id) ON DELETE CASCADE
);
CREATE INDEX items_by_id ON items (tenant, item_id) WHERE item_id IS NOT NULL;

CREATE TABLE completions (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    model TEXT NOT NULL,
    metadata TEXT NOT NULL,
    body TEXT NOT NULL,
    messages TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX completions_by_time ON completions (tenant, created_at, id);
CREATE INDEX completions_expiry ON completions (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE completion_metadata (
    tenant TEXT NOT NULL,
    completion_id TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (tenant, completion_id, name),
    FOREIGN KEY (tenant, completion_id) REFERENCES completions (tenant, id) ON DELETE CASCADE
);
