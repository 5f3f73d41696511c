-- Views for the standing questions. Days are days of Asia/Shanghai.
-- +goose NO TRANSACTION

-- +goose Up
CREATE VIEW IF NOT EXISTS logins_daily AS
SELECT
    day,
    app_id,
    sum(l.logins) AS logins,
    sum(l.users) AS users,
    sum(l.new_users) AS new_users,
    sum(l.anonymous_logins) AS anonymous_logins
FROM
(
    SELECT
        toDate(occurred_at, 'Asia/Shanghai') AS day,
        app_id,
        count() AS logins,
        uniqExactIf(open_id, open_id != '') AS users,
        0 AS new_users,
        countIf(open_id = '') AS anonymous_logins
    FROM user_events
    WHERE kind = 'LOGIN'
    GROUP BY day, app_id
    UNION ALL
    SELECT toDate(first_seen_at, 'Asia/Shanghai') AS day, app_id, 0, 0, count(), 0
    FROM (SELECT app_id, open_id, min(s.first_seen_at) AS first_seen_at FROM user_first_seen AS s GROUP BY app_id, open_id)
    GROUP BY day, app_id
) AS l
GROUP BY day, app_id
ORDER BY day, app_id
COMMENT 'logins, users and users seen for the first time, by day and app';

CREATE VIEW IF NOT EXISTS funnel_daily AS
SELECT
    toDate(login_at, 'Asia/Shanghai') AS day,
    app_id,
    count() AS visits,
    countIf(profile_at >= login_at) AS with_profile,
    countIf(phone_at >= login_at) AS with_phone,
    countIf(profile_at >= login_at AND phone_at >= profile_at) AS with_profile_then_phone,
    round(with_profile / visits, 4) AS profile_rate,
    round(with_phone / visits, 4) AS phone_rate,
    round(quantileIf(0.5)(dateDiff('millisecond', login_at, profile_at) / 1000, profile_at >= login_at), 3) AS median_seconds_to_profile,
    round(quantileIf(0.5)(dateDiff('millisecond', login_at, phone_at) / 1000, phone_at >= login_at), 3) AS median_seconds_to_phone
FROM
(
    SELECT
        app_id,
        session_id,
        minIf(occurred_at, kind = 'LOGIN') AS login_at,
        minIf(occurred_at, kind = 'PROFILE') AS profile_at,
        minIf(occurred_at, kind = 'PHONE') AS phone_at
    FROM user_events
    WHERE kind IN ('LOGIN', 'PROFILE', 'PHONE')
    GROUP BY app_id, session_id
    HAVING countIf(kind = 'LOGIN') > 0
) AS v
GROUP BY day, app_id
ORDER BY day, app_id
COMMENT 'visits by day of login, and how many of them gave a profile and a phone number, with the median time that it took';

CREATE VIEW IF NOT EXISTS devices AS
SELECT
    app_id,
    device_platform AS platform,
    device_brand AS brand,
    device_model AS model,
    device_system AS system,
    device_app_name AS app_name,
    device_version AS version,
    device_sdk_version AS sdk_version,
    count() AS users
FROM users
WHERE device_at IS NOT NULL
GROUP BY app_id, platform, brand, model, system, app_name, version, sdk_version
ORDER BY users DESC
COMMENT 'users by the device and app version that they were last seen with';

CREATE VIEW IF NOT EXISTS locations_by_city AS
SELECT
    toDate(occurred_at, 'Asia/Shanghai') AS day,
    app_id,
    location_province AS province,
    location_city AS city,
    count() AS fixes,
    uniqExactIf(open_id, open_id != '') AS users
FROM user_events
WHERE kind = 'LOCATION'
GROUP BY day, app_id, province, city
ORDER BY day, app_id, users DESC
COMMENT 'positions by day, app and city';

CREATE VIEW IF NOT EXISTS notification_outcomes AS
SELECT
    toDate(finished_at, 'Asia/Shanghai') AS day,
    app_id,
    template_id,
    status,
    reason,
    count() AS notifications,
    uniqExact(open_id) AS users,
    round(avg(attempts), 2) AS mean_attempts
FROM notifications
GROUP BY day, app_id, template_id, status, reason
ORDER BY day, app_id, template_id, notifications DESC
COMMENT 'what became of notifications, by day, app and template';

CREATE VIEW IF NOT EXISTS dead_letter_reasons AS
SELECT
    toDate(failed_at, 'Asia/Shanghai') AS day,
    source_topic,
    reason,
    stage,
    count() AS dead_letters,
    min(failed_at) AS first_failed_at,
    max(failed_at) AS last_failed_at
FROM dead_letters
GROUP BY day, source_topic, reason, stage
ORDER BY day, dead_letters DESC
COMMENT 'dead letters by day, topic and reason';

CREATE VIEW IF NOT EXISTS freshness AS
SELECT
    kind,
    count() AS events,
    max(occurred_at) AS last_occurred_at,
    max(`_inserted_at`) AS last_inserted_at,
    round(quantile(0.5)(dateDiff('millisecond', occurred_at, enriched_at)) / 1000, 3) AS median_seconds_to_enriched,
    round(quantile(0.99)(dateDiff('millisecond', occurred_at, enriched_at)) / 1000, 3) AS p99_seconds_to_enriched,
    round(quantile(0.5)(dateDiff('millisecond', enriched_at, `_inserted_at`)) / 1000, 3) AS median_seconds_enriched_to_row,
    round(quantile(0.99)(dateDiff('millisecond', enriched_at, `_inserted_at`)) / 1000, 3) AS p99_seconds_enriched_to_row
FROM user_events
WHERE `_timestamp` >= now64(3, 'UTC') - INTERVAL 1 HOUR
GROUP BY kind
ORDER BY kind
COMMENT 'how long the last hour''s events took to be enriched and to become rows';

-- +goose Down
DROP VIEW IF EXISTS freshness;
DROP VIEW IF EXISTS dead_letter_reasons;
DROP VIEW IF EXISTS notification_outcomes;
DROP VIEW IF EXISTS locations_by_city;
DROP VIEW IF EXISTS devices;
DROP VIEW IF EXISTS funnel_daily;
DROP VIEW IF EXISTS logins_daily;
