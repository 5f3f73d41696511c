-- consents: what each user answered last to each message template, kept as users is.
-- +goose NO TRANSACTION

-- +goose Up
CREATE TABLE IF NOT EXISTS consents_state
(
    `app_id`      LowCardinality(String) COMMENT 'mini-app',
    `open_id`     String                 COMMENT 'user within the mini-app',
    `template_id` LowCardinality(String) COMMENT 'message template',
    `answer`      AggregateFunction(argMax, Tuple(at DateTime64(3, 'UTC'), status String, always Bool), Tuple(DateTime64(3, 'UTC'), String, Int32, Int64)) COMMENT 'last answer'
)
ENGINE = AggregatingMergeTree
ORDER BY (app_id, template_id, open_id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'states behind the view consents; not for reading';

CREATE MATERIALIZED VIEW IF NOT EXISTS consents_state_mv TO consents_state AS
SELECT
    app_id,
    open_id,
    template_id,
    argMaxState(CAST((occurred_at, status, always), 'Tuple(at DateTime64(3, \'UTC\'), status String, always Bool)'),
        (occurred_at, CAST(_topic, 'String'), _partition, _offset)) AS answer
FROM user_events
ARRAY JOIN
    subscription_template_id AS template_id,
    subscription_status AS status,
    subscription_always AS always
WHERE open_id != ''
GROUP BY app_id, template_id, open_id;

CREATE VIEW IF NOT EXISTS consents AS
SELECT
    app_id,
    open_id,
    template_id,
    c.answer.status AS status,
    c.answer.always AS always,
    c.answer.at AS answered_at
FROM
(
    SELECT app_id, open_id, template_id, argMaxMerge(answer) AS answer
    FROM consents_state
    GROUP BY app_id, open_id, template_id
) AS c
COMMENT 'one row per app, user and message template: the last answer';

-- +goose Down
DROP VIEW IF EXISTS consents;
DROP VIEW IF EXISTS consents_state_mv;
DROP TABLE IF EXISTS consents_state;
