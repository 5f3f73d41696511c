-- user_events: one row per record of users.enriched, as the sink read it. A row is
-- known by (_topic, _partition, _offset); the sink inserts each once. Columns of
-- kinds that a block does not hold may be left out of its INSERT: every column
-- has a default that means "absent".
-- +goose NO TRANSACTION

-- +goose Up
CREATE TABLE IF NOT EXISTS user_events
(
    `_topic`     LowCardinality(String)  COMMENT 'Kafka topic of the enriched record',
    `_partition` Int32                   COMMENT 'Kafka partition of the enriched record',
    `_offset`    Int64                   COMMENT 'Kafka offset of the enriched record' CODEC(Delta, ZSTD),
    `_timestamp` DateTime64(3, 'UTC')    COMMENT 'Kafka timestamp of the enriched record; decides the monthly partition' CODEC(Delta, ZSTD),
    `_inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'when the row was inserted' CODEC(Delta, ZSTD),

    `event_id`          String                 COMMENT 'id that the backend gave the event; an event published twice gives two rows with one event_id',
    `kind`              Enum8('UNKNOWN' = 0, 'LOGIN' = 1, 'PROFILE' = 2, 'PHONE' = 3, 'LOCATION' = 4, 'ADDRESS' = 5, 'DEVICE' = 6, 'SUBSCRIPTION' = 7) COMMENT 'what the event tells; the columns of that kind are filled',
    `app_id`            LowCardinality(String) COMMENT 'mini-app',
    `session_id`        String                 COMMENT 'visit, as the backend named it',
    `open_id`           String                 COMMENT 'user within the mini-app; empty for an anonymous session',
    `union_id`          String                 COMMENT 'user across the apps of one developer; empty when unknown',
    `anonymous_open_id` String                 COMMENT 'user who has not logged in; empty when unknown',
    `occurred_at`       DateTime64(3, 'UTC')   COMMENT 'when it happened, as the backend says' CODEC(Delta, ZSTD),
    `enriched_at`       DateTime64(3, 'UTC')   COMMENT 'when doustream finished it' CODEC(Delta, ZSTD),
    `source_topic`      LowCardinality(String) COMMENT 'Kafka topic of the event',
    `source_partition`  Int32                  COMMENT 'Kafka partition of the event',
    `source_offset`     Int64                  COMMENT 'Kafka offset of the event' CODEC(Delta, ZSTD),

    `profile_nick_name`  String                 COMMENT 'nick name',
    `profile_avatar_url` String                 COMMENT 'address of the avatar picture',
    `profile_gender`     Int32                  COMMENT '0 unknown, 1 male, 2 female',
    `profile_city`       LowCardinality(String) COMMENT 'city of the profile; usually empty',
    `profile_province`   LowCardinality(String) COMMENT 'province of the profile; usually empty',
    `profile_country`    LowCardinality(String) COMMENT 'country of the profile; usually empty',
    `profile_language`   LowCardinality(String) COMMENT 'language of the profile',

    `phone_masked`       String                 COMMENT 'phone number with its middle hidden, 138****0000',
    `phone_hash`         String                 COMMENT 'hex HMAC-SHA-256 of the E.164 number under the pepper phone_hash_key; equal numbers have equal hashes',
    `phone_hash_key`     LowCardinality(String) COMMENT 'id of the pepper of phone_hash',
    `phone_sealed`       String                 COMMENT 'the E.164 number, sealed under the personal keys',
    `phone_country_code` LowCardinality(String) COMMENT 'country calling code, 86',

    `location_longitude`           Nullable(Float64) COMMENT 'degrees east, -180 to 180',
    `location_latitude`            Nullable(Float64) COMMENT 'degrees north, -90 to 90',
    `location_coord_type`          Enum8('UNKNOWN' = 0, 'WGS84' = 1, 'GCJ02' = 2) COMMENT 'coordinate system, as the backend says; never guessed',
    `location_city`                LowCardinality(String) COMMENT 'city of the position',
    `location_province`            LowCardinality(String) COMMENT 'province of the position',
    `location_district`            LowCardinality(String) COMMENT 'district of the position',
    `location_speed`               Nullable(Float64) COMMENT 'metres per second',
    `location_accuracy`            Nullable(Float64) COMMENT 'metres',
    `location_altitude`            Nullable(Float64) COMMENT 'metres',
    `location_vertical_accuracy`   Nullable(Float64) COMMENT 'metres',
    `location_horizontal_accuracy` Nullable(Float64) COMMENT 'metres',

    `address_province`           LowCardinality(String) COMMENT 'province of the delivery address',
    `address_city`               LowCardinality(String) COMMENT 'city of the delivery address',
    `address_county`             LowCardinality(String) COMMENT 'county or district of the delivery address',
    `address_name_sealed`        String                 COMMENT 'recipient, sealed under the personal keys',
    `address_detail_sealed`      String                 COMMENT 'street and number, sealed under the personal keys',
    `address_phone_masked`       String                 COMMENT 'recipient''s phone number with its middle hidden',
    `address_phone_hash`         String                 COMMENT 'as phone_hash',
    `address_phone_hash_key`     LowCardinality(String) COMMENT 'as phone_hash_key',
    `address_phone_sealed`       String                 COMMENT 'as phone_sealed',
    `address_phone_country_code` LowCardinality(String) COMMENT 'as phone_country_code',

    `device_brand`              LowCardinality(String) COMMENT 'maker of the device',
    `device_model`              LowCardinality(String) COMMENT 'model of the device',
    `device_system`             LowCardinality(String) COMMENT 'operating system and version',
    `device_platform`           LowCardinality(String) COMMENT 'ios, android, devtools, …',
    `device_app_name`           LowCardinality(String) COMMENT 'host app',
    `device_version`            LowCardinality(String) COMMENT 'version of the host app',
    `device_sdk_version`        LowCardinality(String) COMMENT 'version of the base library',
    `device_sdk_update_version` LowCardinality(String) COMMENT 'full version of the base library',
    `device_native_sdk_version` LowCardinality(String) COMMENT 'version of the native container',
    `device_language`           LowCardinality(String) COMMENT 'language of the host app',
    `device_screen_width`       Nullable(Float64) COMMENT 'pixels',
    `device_screen_height`      Nullable(Float64) COMMENT 'pixels',
    `device_window_width`       Nullable(Float64) COMMENT 'pixels',
    `device_window_height`      Nullable(Float64) COMMENT 'pixels',
    `device_pixel_ratio`        Nullable(Float64) COMMENT 'device pixels per pixel',
    `device_status_bar_height`  Nullable(Float64) COMMENT 'pixels',
    `device_font_size_setting`  Nullable(Float64) COMMENT 'font size that the user set',
    `device_battery`            Nullable(Float64) COMMENT 'charge, per cent',
    `device_wifi_signal`        Nullable(Float64) COMMENT 'Wi-Fi signal strength, 0 to 4',
    `device_score_cpu`          Nullable(Float64) COMMENT 'score of the processor; null when unknown',
    `device_score_gpu`          Nullable(Float64) COMMENT 'score of the graphics; null when unknown',
    `device_score_memory`       Nullable(Float64) COMMENT 'score of the memory; null when unknown',
    `device_score_overall`      Nullable(Float64) COMMENT 'overall score; null when unknown',

    `subscription_template_id` Array(LowCardinality(String)) COMMENT 'templates that the user was asked about',
    `subscription_status`      Array(Enum8('UNKNOWN' = 0, 'ACCEPT' = 1, 'REJECT' = 2, 'BAN' = 3, 'FAIL' = 4)) COMMENT 'answer for the template at the same place',
    `subscription_always`      Array(Bool) COMMENT 'whether the user ticked "always" for the template at the same place',

    INDEX by_offset `_offset` TYPE minmax GRANULARITY 1,
    INDEX by_open_id `open_id` TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_event_id `event_id` TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`_timestamp`)
ORDER BY (app_id, kind, occurred_at)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'one row per enriched record of users.enriched';

-- +goose Down
DROP TABLE IF EXISTS user_events;
