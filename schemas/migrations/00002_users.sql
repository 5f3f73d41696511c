-- users: one row per app and user, the newest of each fact. user_facts holds the
-- newest row of each user and kind; merges keep the greatest version, so that
-- neither the order in which rows arrive nor a row that arrives twice makes a
-- difference. The plain view users is right at any moment, merged or not; it wraps
-- what may be null in a tuple, because argMax passes over nulls.
-- (argMax states in an AggregatingMergeTree say the same at three to four times
-- the cost of the whole insert, where a block holds many users.)
-- +goose NO TRANSACTION

-- +goose Up
CREATE TABLE IF NOT EXISTS user_facts
(
    `app_id`                       LowCardinality(String) COMMENT 'mini-app',
    `open_id`                      String COMMENT 'user within the mini-app',
    `kind`                         Enum8('UNKNOWN' = 0, 'LOGIN' = 1, 'PROFILE' = 2, 'PHONE' = 3, 'LOCATION' = 4, 'ADDRESS' = 5, 'DEVICE' = 6, 'SUBSCRIPTION' = 7) COMMENT 'the fact: the columns of that kind are filled',
    `version`                      UInt128 COMMENT 'from most to least significant bits: 48 of occurred_at, 16 of the topic''s hash, 16 of the partition, 48 of the offset',
    `occurred_at`                  DateTime64(3, 'UTC') COMMENT 'when it happened',
    `session_id`                   String COMMENT 'visit',
    `union_id`                     String COMMENT 'user across the apps of one developer; empty when unknown',
    `profile_nick_name`            String COMMENT 'nick name',
    `profile_avatar_url`           String COMMENT 'address of the avatar picture',
    `profile_gender`               Int32 COMMENT '0 unknown, 1 male, 2 female',
    `profile_city`                 LowCardinality(String) COMMENT 'city of the profile; usually empty',
    `profile_province`             LowCardinality(String) COMMENT 'province of the profile; usually empty',
    `profile_country`              LowCardinality(String) COMMENT 'country of the profile; usually empty',
    `profile_language`             LowCardinality(String) COMMENT 'language of the profile',
    `phone_masked`                 String COMMENT 'phone number with its middle hidden, 138****0000',
    `phone_hash`                   String COMMENT 'hex HMAC-SHA-256 of the E.164 number under the pepper phone_hash_key; equal numbers have equal hashes',
    `phone_hash_key`               LowCardinality(String) COMMENT 'id of the pepper of phone_hash',
    `phone_sealed`                 String COMMENT 'the E.164 number, sealed under the personal keys',
    `phone_country_code`           LowCardinality(String) COMMENT 'country calling code, 86',
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
    `address_province`             LowCardinality(String) COMMENT 'province of the delivery address',
    `address_city`                 LowCardinality(String) COMMENT 'city of the delivery address',
    `address_county`               LowCardinality(String) COMMENT 'county or district of the delivery address',
    `address_name_sealed`          String COMMENT 'recipient, sealed under the personal keys',
    `address_detail_sealed`        String COMMENT 'street and number, sealed under the personal keys',
    `address_phone_masked`         String COMMENT 'recipient''s phone number with its middle hidden',
    `address_phone_hash`           String COMMENT 'as phone_hash',
    `address_phone_hash_key`       LowCardinality(String) COMMENT 'as phone_hash_key',
    `address_phone_sealed`         String COMMENT 'as phone_sealed',
    `address_phone_country_code`   LowCardinality(String) COMMENT 'as phone_country_code',
    `device_brand`                 LowCardinality(String) COMMENT 'maker of the device',
    `device_model`                 LowCardinality(String) COMMENT 'model of the device',
    `device_system`                LowCardinality(String) COMMENT 'operating system and version',
    `device_platform`              LowCardinality(String) COMMENT 'ios, android, devtools, …',
    `device_app_name`              LowCardinality(String) COMMENT 'host app',
    `device_version`               LowCardinality(String) COMMENT 'version of the host app',
    `device_sdk_version`           LowCardinality(String) COMMENT 'version of the base library',
    `device_sdk_update_version`    LowCardinality(String) COMMENT 'full version of the base library',
    `device_native_sdk_version`    LowCardinality(String) COMMENT 'version of the native container',
    `device_language`              LowCardinality(String) COMMENT 'language of the host app',
    `device_screen_width`          Nullable(Float64) COMMENT 'pixels',
    `device_screen_height`         Nullable(Float64) COMMENT 'pixels',
    `device_window_width`          Nullable(Float64) COMMENT 'pixels',
    `device_window_height`         Nullable(Float64) COMMENT 'pixels',
    `device_pixel_ratio`           Nullable(Float64) COMMENT 'device pixels per pixel',
    `device_status_bar_height`     Nullable(Float64) COMMENT 'pixels',
    `device_font_size_setting`     Nullable(Float64) COMMENT 'font size that the user set',
    `device_battery`               Nullable(Float64) COMMENT 'charge, per cent',
    `device_wifi_signal`           Nullable(Float64) COMMENT 'Wi-Fi signal strength, 0 to 4',
    `device_score_cpu`             Nullable(Float64) COMMENT 'score of the processor; null when unknown',
    `device_score_gpu`             Nullable(Float64) COMMENT 'score of the graphics; null when unknown',
    `device_score_memory`          Nullable(Float64) COMMENT 'score of the memory; null when unknown',
    `device_score_overall`         Nullable(Float64) COMMENT 'overall score; null when unknown'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (app_id, open_id, kind)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'the newest row of each user and kind, behind the view users; not for reading';

CREATE MATERIALIZED VIEW IF NOT EXISTS user_facts_newest TO user_facts AS
SELECT
    app_id, open_id, kind,
    bitOr(
        bitOr(bitShiftLeft(toUInt128(toUnixTimestamp64Milli(occurred_at)), 80), bitShiftLeft(toUInt128(bitAnd(cityHash64(_topic), 0xFFFF)), 64)),
        bitOr(bitShiftLeft(toUInt128(bitAnd(_partition, 0xFFFF)), 48), toUInt128(bitAnd(_offset, 0xFFFFFFFFFFFF)))) AS version,
    occurred_at, session_id, union_id,
    profile_nick_name, profile_avatar_url, profile_gender, profile_city, profile_province, profile_country, profile_language,
    phone_masked, phone_hash, phone_hash_key, phone_sealed, phone_country_code,
    location_longitude, location_latitude, location_coord_type, location_city, location_province, location_district, location_speed, location_accuracy, location_altitude, location_vertical_accuracy, location_horizontal_accuracy,
    address_province, address_city, address_county, address_name_sealed, address_detail_sealed, address_phone_masked, address_phone_hash, address_phone_hash_key, address_phone_sealed, address_phone_country_code,
    device_brand, device_model, device_system, device_platform, device_app_name, device_version, device_sdk_version, device_sdk_update_version, device_native_sdk_version, device_language, device_screen_width, device_screen_height, device_window_width, device_window_height, device_pixel_ratio, device_status_bar_height, device_font_size_setting, device_battery, device_wifi_signal, device_score_cpu, device_score_gpu, device_score_memory, device_score_overall
FROM user_events
WHERE open_id != '' AND kind != 'UNKNOWN';

CREATE TABLE IF NOT EXISTS user_first_seen
(
    `app_id`        LowCardinality(String) COMMENT 'mini-app',
    `open_id`       String                 COMMENT 'user within the mini-app',
    `first_seen_at` SimpleAggregateFunction(min, DateTime64(3, 'UTC')) COMMENT 'occurred_at of the user''s first event'
)
ENGINE = AggregatingMergeTree
ORDER BY (app_id, open_id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'when each user was seen first, behind the view users; not for reading';

CREATE MATERIALIZED VIEW IF NOT EXISTS user_first_seen_min TO user_first_seen AS
SELECT app_id, open_id, min(e.occurred_at) AS first_seen_at
FROM user_events AS e
WHERE open_id != ''
GROUP BY app_id, open_id;

CREATE VIEW IF NOT EXISTS users AS
SELECT *
FROM
(
    SELECT app_id, open_id, min(s.first_seen_at) AS first_seen_at
    FROM user_first_seen AS s
    GROUP BY app_id, open_id
) AS first
INNER JOIN
(
    SELECT
        app_id,
        open_id,
        max(f.occurred_at) AS last_seen_at,
        maxOrNullIf(f.occurred_at, kind = 'LOGIN') AS last_login_at,
        argMax(f.session_id, version) AS session_id,
        argMaxIf(f.union_id, version, f.union_id != '') AS union_id,
        maxOrNullIf(f.occurred_at, kind = 'PROFILE') AS profile_at,
        argMaxIf(f.profile_nick_name, version, kind = 'PROFILE') AS nick_name,
        argMaxIf(f.profile_avatar_url, version, kind = 'PROFILE') AS avatar_url,
        argMaxIf(f.profile_gender, version, kind = 'PROFILE') AS gender,
        argMaxIf(f.profile_city, version, kind = 'PROFILE') AS profile_city,
        argMaxIf(f.profile_province, version, kind = 'PROFILE') AS profile_province,
        argMaxIf(f.profile_country, version, kind = 'PROFILE') AS profile_country,
        argMaxIf(f.profile_language, version, kind = 'PROFILE') AS profile_language,
        maxOrNullIf(f.occurred_at, kind = 'PHONE') AS phone_at,
        argMaxIf(f.phone_masked, version, kind = 'PHONE') AS phone_masked,
        argMaxIf(f.phone_hash, version, kind = 'PHONE') AS phone_hash,
        argMaxIf(f.phone_hash_key, version, kind = 'PHONE') AS phone_hash_key,
        argMaxIf(f.phone_sealed, version, kind = 'PHONE') AS phone_sealed,
        argMaxIf(f.phone_country_code, version, kind = 'PHONE') AS phone_country_code,
        maxOrNullIf(f.occurred_at, kind = 'LOCATION') AS location_at,
        argMaxIf(tuple(f.location_longitude), version, kind = 'LOCATION').1 AS longitude,
        argMaxIf(tuple(f.location_latitude), version, kind = 'LOCATION').1 AS latitude,
        argMaxIf(f.location_coord_type, version, kind = 'LOCATION') AS coord_type,
        argMaxIf(f.location_city, version, kind = 'LOCATION') AS city,
        argMaxIf(f.location_province, version, kind = 'LOCATION') AS province,
        argMaxIf(f.location_district, version, kind = 'LOCATION') AS district,
        argMaxIf(tuple(f.location_speed), version, kind = 'LOCATION').1 AS location_speed,
        argMaxIf(tuple(f.location_accuracy), version, kind = 'LOCATION').1 AS location_accuracy,
        argMaxIf(tuple(f.location_altitude), version, kind = 'LOCATION').1 AS location_altitude,
        argMaxIf(tuple(f.location_vertical_accuracy), version, kind = 'LOCATION').1 AS location_vertical_accuracy,
        argMaxIf(tuple(f.location_horizontal_accuracy), version, kind = 'LOCATION').1 AS location_horizontal_accuracy,
        maxOrNullIf(f.occurred_at, kind = 'ADDRESS') AS address_at,
        argMaxIf(f.address_province, version, kind = 'ADDRESS') AS address_province,
        argMaxIf(f.address_city, version, kind = 'ADDRESS') AS address_city,
        argMaxIf(f.address_county, version, kind = 'ADDRESS') AS address_county,
        argMaxIf(f.address_name_sealed, version, kind = 'ADDRESS') AS address_name_sealed,
        argMaxIf(f.address_detail_sealed, version, kind = 'ADDRESS') AS address_detail_sealed,
        argMaxIf(f.address_phone_masked, version, kind = 'ADDRESS') AS address_phone_masked,
        argMaxIf(f.address_phone_hash, version, kind = 'ADDRESS') AS address_phone_hash,
        argMaxIf(f.address_phone_hash_key, version, kind = 'ADDRESS') AS address_phone_hash_key,
        argMaxIf(f.address_phone_sealed, version, kind = 'ADDRESS') AS address_phone_sealed,
        argMaxIf(f.address_phone_country_code, version, kind = 'ADDRESS') AS address_phone_country_code,
        maxOrNullIf(f.occurred_at, kind = 'DEVICE') AS device_at,
        argMaxIf(f.device_brand, version, kind = 'DEVICE') AS device_brand,
        argMaxIf(f.device_model, version, kind = 'DEVICE') AS device_model,
        argMaxIf(f.device_system, version, kind = 'DEVICE') AS device_system,
        argMaxIf(f.device_platform, version, kind = 'DEVICE') AS device_platform,
        argMaxIf(f.device_app_name, version, kind = 'DEVICE') AS device_app_name,
        argMaxIf(f.device_version, version, kind = 'DEVICE') AS device_version,
        argMaxIf(f.device_sdk_version, version, kind = 'DEVICE') AS device_sdk_version,
        argMaxIf(f.device_sdk_update_version, version, kind = 'DEVICE') AS device_sdk_update_version,
        argMaxIf(f.device_native_sdk_version, version, kind = 'DEVICE') AS device_native_sdk_version,
        argMaxIf(f.device_language, version, kind = 'DEVICE') AS device_language,
        argMaxIf(tuple(f.device_screen_width), version, kind = 'DEVICE').1 AS device_screen_width,
        argMaxIf(tuple(f.device_screen_height), version, kind = 'DEVICE').1 AS device_screen_height,
        argMaxIf(tuple(f.device_window_width), version, kind = 'DEVICE').1 AS device_window_width,
        argMaxIf(tuple(f.device_window_height), version, kind = 'DEVICE').1 AS device_window_height,
        argMaxIf(tuple(f.device_pixel_ratio), version, kind = 'DEVICE').1 AS device_pixel_ratio,
        argMaxIf(tuple(f.device_status_bar_height), version, kind = 'DEVICE').1 AS device_status_bar_height,
        argMaxIf(tuple(f.device_font_size_setting), version, kind = 'DEVICE').1 AS device_font_size_setting,
        argMaxIf(tuple(f.device_battery), version, kind = 'DEVICE').1 AS device_battery,
        argMaxIf(tuple(f.device_wifi_signal), version, kind = 'DEVICE').1 AS device_wifi_signal,
        argMaxIf(tuple(f.device_score_cpu), version, kind = 'DEVICE').1 AS device_score_cpu,
        argMaxIf(tuple(f.device_score_gpu), version, kind = 'DEVICE').1 AS device_score_gpu,
        argMaxIf(tuple(f.device_score_memory), version, kind = 'DEVICE').1 AS device_score_memory,
        argMaxIf(tuple(f.device_score_overall), version, kind = 'DEVICE').1 AS device_score_overall
    FROM user_facts AS f
    GROUP BY app_id, open_id
) AS newest USING (app_id, open_id)
COMMENT 'one row per app and user, the newest of each fact; its time is null, and its texts empty, where a fact is not known';

-- +goose Down
DROP VIEW IF EXISTS users;
DROP VIEW IF EXISTS user_first_seen_min;
DROP VIEW IF EXISTS user_facts_newest;
DROP TABLE IF EXISTS user_first_seen;
DROP TABLE IF EXISTS user_facts;
