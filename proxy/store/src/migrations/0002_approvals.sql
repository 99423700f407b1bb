CREATE TABLE approvals (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    response_id TEXT,
    call TEXT,
    hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, response_id) REFERENCES responses (tenant, id) ON DELETE CASCADE
);
CREATE INDEX approvals_by_response ON approvals (tenant, response_id) WHERE response_id IS NOT NULL;
CREATE INDEX approvals_expiry ON approvals (expires_at);
