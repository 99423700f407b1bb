CREATE TABLE images (
    tenant TEXT NOT NULL,
    response_id TEXT NOT NULL,
    item_id TEXT NOT NULL,
    part BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, response_id, item_id, part),
    FOREIGN KEY (tenant, response_id) REFERENCES responses (tenant, id) ON DELETE CASCADE
);
CREATE INDEX images_by_item ON images (tenant, item_id, part);
