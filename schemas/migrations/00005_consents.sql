-- consents: what each user answered last to each message template, kept as users is.
-- +goose NO TRANSACTION

-- +goose Up
CREATE TABLE IF NOT EXISTS consent_facts
(
    `app_id`      LowCardinality(String) COMMENT 'mini-app',
    `open_id`     String                 COMMENT 'user within the mini-app',
    `template_id` LowCardinality(String) COMMENT 'message template',
    `version`     UInt128                COMMENT 'as in user_facts',
    `answered_at` DateTime64(3, 'UTC')   COMMENT 'when the user answered',
    `status`      Enum8('UNKNOWN' = 0, 'ACCEPT' = 1, 'REJECT' = 2, 'BAN' = 3, 'FAIL' = 4) COMMENT 'the answer',
    `always`      Bool                   COMMENT 'whether the user ticked "always"'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (app_id, template_id, open_id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'the newest answer of each user to each template, behind the view consents; not for reading';

CREATE MATERIALIZED VIEW IF NOT EXISTS consent_facts_newest TO consent_facts AS
SELECT
    app_id, open_id, template_id,
    bitOr(
        bitOr(bitShiftLeft(toUInt128(toUnixTimestamp64Milli(occurred_at)), 80), bitShiftLeft(toUInt128(bitAnd(cityHash64(_topic), 0xFFFF)), 64)),
        bitOr(bitShiftLeft(toUInt128(bitAnd(_partition, 0xFFFF)), 48), toUInt128(bitAnd(_offset, 0xFFFFFFFFFFFF)))) AS version,
    occurred_at AS answered_at, status, always
FROM user_events
ARRAY JOIN
    subscription_template_id AS template_id,
    subscription_status AS status,
    subscription_always AS always
WHERE open_id != '';

CREATE VIEW IF NOT EXISTS consents AS
SELECT
    app_id,
    open_id,
    template_id,
    argMax(f.status, version) AS status,
    argMax(f.always, version) AS always,
    max(f.answered_at) AS answered_at
FROM consent_facts AS f
GROUP BY app_id, open_id, template_id
COMMENT 'one row per app, user and message template: the last answer';

-- +goose Down
DROP VIEW IF EXISTS consents;
DROP VIEW IF EXISTS consent_facts_newest;
DROP TABLE IF EXISTS consent_facts;
