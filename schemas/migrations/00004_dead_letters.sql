-- dead_letters: one row per record of dead-letters: its headers, never its payload.
-- +goose NO TRANSACTION

-- +goose Up
CREATE TABLE IF NOT EXISTS dead_letters
(
    `_topic`     LowCardinality(String)  COMMENT 'Kafka topic of the dead letter',
    `_partition` Int32                   COMMENT 'Kafka partition of the dead letter',
    `_offset`    Int64                   COMMENT 'Kafka offset of the dead letter' CODEC(Delta, ZSTD),
    `_timestamp` DateTime64(3, 'UTC')    COMMENT 'Kafka timestamp of the dead letter; decides the monthly partition' CODEC(Delta, ZSTD),
    `_inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'when the row was inserted' CODEC(Delta, ZSTD),

    `reason`           LowCardinality(String) COMMENT 'why it could not be processed',
    `stage`            LowCardinality(String) COMMENT 'step that gave up',
    `role`             LowCardinality(String) COMMENT 'role that gave up: enrich, notify, sink',
    `event_id`         String                 COMMENT 'id of the event or notification; empty when it could not be read',
    `source_topic`     LowCardinality(String) COMMENT 'Kafka topic that it was read from',
    `source_partition` Int32                  COMMENT 'Kafka partition that it was read from',
    `source_offset`    Int64                  COMMENT 'Kafka offset that it was read from' CODEC(Delta, ZSTD),
    `source_timestamp` DateTime64(3, 'UTC')   COMMENT 'Kafka timestamp of the record that was read' CODEC(Delta, ZSTD),
    `attempts`         Int32                  COMMENT 'how often it was tried',
    `failed_at`        DateTime64(3, 'UTC')   COMMENT 'when it was given up' CODEC(Delta, ZSTD),
    `value_bytes`      UInt64                 COMMENT 'size of the record''s value',

    INDEX by_offset `_offset` TYPE minmax GRANULARITY 1,
    INDEX by_event_id `event_id` TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`_timestamp`)
ORDER BY (reason, source_topic, failed_at)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'one row per dead letter; the record itself stays in Kafka';

-- +goose Down
DROP TABLE IF EXISTS dead_letters;
