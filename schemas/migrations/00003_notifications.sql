-- notifications: one row per record of notifications.results, as the sink read it.
-- +goose NO TRANSACTION

-- +goose Up
CREATE TABLE IF NOT EXISTS notifications
(
    `_topic`     LowCardinality(String)  COMMENT 'Kafka topic of the result',
    `_partition` Int32                   COMMENT 'Kafka partition of the result',
    `_offset`    Int64                   COMMENT 'Kafka offset of the result' CODEC(Delta, ZSTD),
    `_timestamp` DateTime64(3, 'UTC')    COMMENT 'Kafka timestamp of the result; decides the monthly partition' CODEC(Delta, ZSTD),
    `_inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'when the row was inserted' CODEC(Delta, ZSTD),

    `notification_id`  String                 COMMENT 'id that the order service gave the notification; an order published twice gives two rows',
    `app_id`           LowCardinality(String) COMMENT 'mini-app',
    `open_id`          String                 COMMENT 'receiver',
    `template_id`      LowCardinality(String) COMMENT 'message template',
    `order_id`         String                 COMMENT 'order that it is about; empty when the order service gave none',
    `status`           Enum8('UNKNOWN' = 0, 'SENT' = 1, 'REFUSED' = 2, 'NO_CREDIT' = 3, 'EXPIRED' = 4, 'INVALID' = 5) COMMENT 'what became of it; UNKNOWN: perhaps sent, and not sent again',
    `err_no`           Nullable(Int64)        COMMENT 'number that the platform answered',
    `reason`           LowCardinality(String) COMMENT 'why it was not sent; empty when it was',
    `log_id`           String                 COMMENT 'id under which the platform''s support finds the request',
    `attempts`         Int32                  COMMENT 'requests that were sent',
    `finished_at`      DateTime64(3, 'UTC')   COMMENT 'when it was decided' CODEC(Delta, ZSTD),
    `source_topic`     LowCardinality(String) COMMENT 'Kafka topic of the order',
    `source_partition` Int32                  COMMENT 'Kafka partition of the order',
    `source_offset`    Int64                  COMMENT 'Kafka offset of the order' CODEC(Delta, ZSTD),

    INDEX by_offset `_offset` TYPE minmax GRANULARITY 1,
    INDEX by_notification_id `notification_id` TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_open_id `open_id` TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`_timestamp`)
ORDER BY (app_id, template_id, finished_at)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'one row per result of a notification order';

-- +goose Down
DROP TABLE IF EXISTS notifications;
