-- users: one row per app and user, the newest of each fact. A materialized view
-- keeps argMax states over (occurred_at, _topic, _partition, _offset): the order
-- in which rows arrive makes no difference, and neither does a row that arrives
-- twice. Readers use the plain views users and consents.
-- +goose NO TRANSACTION

-- +goose Up
CREATE TABLE IF NOT EXISTS users_state
(
    `app_id`        LowCardinality(String) COMMENT 'mini-app',
    `open_id`       String                 COMMENT 'user within the mini-app',
    `first_seen_at` SimpleAggregateFunction(min, DateTime64(3, 'UTC')) COMMENT 'occurred_at of the user''s first event',
    `last_seen_at`  SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'occurred_at of the user''s last event',
    `session`       AggregateFunction(argMax, Tuple(session_id String, at DateTime64(3, 'UTC')), Tuple(DateTime64(3, 'UTC'), String, Int32, Int64)) COMMENT 'last visit',
    `union_id`      AggregateFunction(argMaxIf, String, Tuple(DateTime64(3, 'UTC'), String, Int32, Int64), UInt8) COMMENT 'user across the apps of one developer',
    `login`         AggregateFunction(argMaxIf, Tuple(at DateTime64(3, 'UTC')), Tuple(DateTime64(3, 'UTC'), String, Int32, Int64), UInt8) COMMENT 'last login',
    `profile`       AggregateFunction(argMaxIf, Tuple(at DateTime64(3, 'UTC'), nick_name String, avatar_url String, gender Int32, city String, province String, country String, language String), Tuple(DateTime64(3, 'UTC'), String, Int32, Int64), UInt8) COMMENT 'newest profile',
    `phone`         AggregateFunction(argMaxIf, Tuple(at DateTime64(3, 'UTC'), masked String, hash String, hash_key String, sealed String, country_code String), Tuple(DateTime64(3, 'UTC'), String, Int32, Int64), UInt8) COMMENT 'newest phone number',
    `location`      AggregateFunction(argMaxIf, Tuple(at DateTime64(3, 'UTC'), longitude Nullable(Float64), latitude Nullable(Float64), coord_type String, city String, province String, district String), Tuple(DateTime64(3, 'UTC'), String, Int32, Int64), UInt8) COMMENT 'newest position',
    `address`       AggregateFunction(argMaxIf, Tuple(at DateTime64(3, 'UTC'), province String, city String, county String, name_sealed String, detail_sealed String, phone_masked String, phone_hash String, phone_hash_key String, phone_sealed String), Tuple(DateTime64(3, 'UTC'), String, Int32, Int64), UInt8) COMMENT 'newest delivery address',
    `device`        AggregateFunction(argMaxIf, Tuple(at DateTime64(3, 'UTC'), brand String, model String, system String, platform String, app_name String, version String, sdk_version String, language String), Tuple(DateTime64(3, 'UTC'), String, Int32, Int64), UInt8) COMMENT 'newest device'
)
ENGINE = AggregatingMergeTree
ORDER BY (app_id, open_id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'states behind the view users; not for reading';

CREATE MATERIALIZED VIEW IF NOT EXISTS users_state_mv TO users_state AS
WITH
    (occurred_at, CAST(_topic, 'String'), _partition, _offset) AS version
SELECT
    app_id,
    open_id,
    min(occurred_at) AS first_seen_at,
    max(occurred_at) AS last_seen_at,
    argMaxState(CAST((session_id, occurred_at), 'Tuple(session_id String, at DateTime64(3, \'UTC\'))'), version) AS session,
    argMaxStateIf(union_id, version, union_id != '') AS union_id,
    argMaxStateIf(CAST(tuple(occurred_at), 'Tuple(at DateTime64(3, \'UTC\'))'), version, kind = 'LOGIN') AS login,
    argMaxStateIf(CAST((occurred_at, profile_nick_name, profile_avatar_url, profile_gender, profile_city, profile_province, profile_country, profile_language),
        'Tuple(at DateTime64(3, \'UTC\'), nick_name String, avatar_url String, gender Int32, city String, province String, country String, language String)'),
        version, kind = 'PROFILE') AS profile,
    argMaxStateIf(CAST((occurred_at, phone_masked, phone_hash, phone_hash_key, phone_sealed, phone_country_code),
        'Tuple(at DateTime64(3, \'UTC\'), masked String, hash String, hash_key String, sealed String, country_code String)'),
        version, kind = 'PHONE') AS phone,
    argMaxStateIf(CAST((occurred_at, location_longitude, location_latitude, location_coord_type, location_city, location_province, location_district),
        'Tuple(at DateTime64(3, \'UTC\'), longitude Nullable(Float64), latitude Nullable(Float64), coord_type String, city String, province String, district String)'),
        version, kind = 'LOCATION') AS location,
    argMaxStateIf(CAST((occurred_at, address_province, address_city, address_county, address_name_sealed, address_detail_sealed, address_phone_masked, address_phone_hash, address_phone_hash_key, address_phone_sealed),
        'Tuple(at DateTime64(3, \'UTC\'), province String, city String, county String, name_sealed String, detail_sealed String, phone_masked String, phone_hash String, phone_hash_key String, phone_sealed String)'),
        version, kind = 'ADDRESS') AS address,
    argMaxStateIf(CAST((occurred_at, device_brand, device_model, device_system, device_platform, device_app_name, device_version, device_sdk_version, device_language),
        'Tuple(at DateTime64(3, \'UTC\'), brand String, model String, system String, platform String, app_name String, version String, sdk_version String, language String)'),
        version, kind = 'DEVICE') AS device
FROM user_events
WHERE open_id != ''
GROUP BY app_id, open_id;

CREATE VIEW IF NOT EXISTS users AS
SELECT
    app_id,
    open_id,
    first_seen_at,
    last_seen_at,
    nullIf(u.login.at, never) AS last_login_at,
    u.session.session_id AS session_id,
    u.union_id AS union_id,
    nullIf(u.profile.at, never) AS profile_at,
    u.profile.nick_name AS nick_name,
    u.profile.avatar_url AS avatar_url,
    u.profile.gender AS gender,
    u.profile.city AS profile_city,
    u.profile.province AS profile_province,
    u.profile.country AS profile_country,
    u.profile.language AS profile_language,
    nullIf(u.phone.at, never) AS phone_at,
    u.phone.masked AS phone_masked,
    u.phone.hash AS phone_hash,
    u.phone.hash_key AS phone_hash_key,
    u.phone.sealed AS phone_sealed,
    u.phone.country_code AS phone_country_code,
    nullIf(u.location.at, never) AS location_at,
    u.location.longitude AS longitude,
    u.location.latitude AS latitude,
    u.location.coord_type AS coord_type,
    u.location.city AS city,
    u.location.province AS province,
    u.location.district AS district,
    nullIf(u.address.at, never) AS address_at,
    u.address.province AS address_province,
    u.address.city AS address_city,
    u.address.county AS address_county,
    u.address.name_sealed AS address_name_sealed,
    u.address.detail_sealed AS address_detail_sealed,
    u.address.phone_masked AS address_phone_masked,
    u.address.phone_hash AS address_phone_hash,
    u.address.phone_hash_key AS address_phone_hash_key,
    u.address.phone_sealed AS address_phone_sealed,
    nullIf(u.device.at, never) AS device_at,
    u.device.brand AS device_brand,
    u.device.model AS device_model,
    u.device.system AS device_system,
    u.device.platform AS device_platform,
    u.device.app_name AS device_app_name,
    u.device.version AS device_version,
    u.device.sdk_version AS device_sdk_version,
    u.device.language AS device_language
FROM
(
    WITH toDateTime64(0, 3, 'UTC') AS epoch
    SELECT
        app_id,
        open_id,
        epoch AS never,
        min(first_seen_at) AS first_seen_at,
        max(last_seen_at) AS last_seen_at,
        argMaxMerge(session) AS session,
        argMaxIfMerge(union_id) AS union_id,
        argMaxIfMerge(login) AS login,
        argMaxIfMerge(profile) AS profile,
        argMaxIfMerge(phone) AS phone,
        argMaxIfMerge(location) AS location,
        argMaxIfMerge(address) AS address,
        argMaxIfMerge(device) AS device
    FROM users_state
    GROUP BY app_id, open_id
) AS u
COMMENT 'one row per app and user, the newest of each fact; a time is null, and its texts empty, where the fact is not known';

-- +goose Down
DROP VIEW IF EXISTS users;
DROP VIEW IF EXISTS users_state_mv;
DROP TABLE IF EXISTS users_state;
