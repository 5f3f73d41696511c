-- Comments on the columns of views, as tables have them: who asks DESCRIBE users is told.
-- +goose NO TRANSACTION

-- +goose Up
ALTER TABLE consents
    COMMENT COLUMN `app_id` 'mini-app',
    COMMENT COLUMN `open_id` 'user within the mini-app',
    COMMENT COLUMN `template_id` 'message template',
    COMMENT COLUMN `status` 'the last answer',
    COMMENT COLUMN `always` 'whether the user ticked "always" with it',
    COMMENT COLUMN `answered_at` 'when the user answered last';

ALTER TABLE dead_letter_reasons
    COMMENT COLUMN `day` 'day on which they were given up, in Asia/Shanghai',
    COMMENT COLUMN `source_topic` 'Kafka topic that they were read from',
    COMMENT COLUMN `reason` 'why they could not be processed',
    COMMENT COLUMN `stage` 'step that gave up',
    COMMENT COLUMN `dead_letters` 'records',
    COMMENT COLUMN `first_failed_at` 'the first of them',
    COMMENT COLUMN `last_failed_at` 'the last of them';

ALTER TABLE devices
    COMMENT COLUMN `app_id` 'mini-app',
    COMMENT COLUMN `platform` 'ios, android, devtools, …',
    COMMENT COLUMN `brand` 'maker of the device',
    COMMENT COLUMN `model` 'model of the device',
    COMMENT COLUMN `system` 'operating system and version',
    COMMENT COLUMN `app_name` 'host app',
    COMMENT COLUMN `version` 'version of the host app',
    COMMENT COLUMN `sdk_version` 'version of the base library',
    COMMENT COLUMN `users` 'users last seen with it';

ALTER TABLE freshness
    COMMENT COLUMN `kind` 'what the events tell',
    COMMENT COLUMN `events` 'events of the last hour',
    COMMENT COLUMN `last_occurred_at` 'newest event',
    COMMENT COLUMN `last_inserted_at` 'newest row',
    COMMENT COLUMN `median_seconds_to_enriched` 'from the event to its enriched record, half of them',
    COMMENT COLUMN `p99_seconds_to_enriched` 'from the event to its enriched record, 99 of a hundred',
    COMMENT COLUMN `median_seconds_enriched_to_row` 'from the enriched record to its row, half of them',
    COMMENT COLUMN `p99_seconds_enriched_to_row` 'from the enriched record to its row, 99 of a hundred';

ALTER TABLE funnel_daily
    COMMENT COLUMN `day` 'day of the first login of the visit, in Asia/Shanghai',
    COMMENT COLUMN `app_id` 'mini-app',
    COMMENT COLUMN `visits` 'session_ids that logged in',
    COMMENT COLUMN `with_profile` 'of them, those that gave a profile after it',
    COMMENT COLUMN `with_phone` 'of them, those that gave a phone number after it',
    COMMENT COLUMN `with_profile_then_phone` 'of them, those that gave a profile and then a phone number',
    COMMENT COLUMN `profile_rate` 'with_profile / visits',
    COMMENT COLUMN `phone_rate` 'with_phone / visits',
    COMMENT COLUMN `median_seconds_to_profile` 'from login to profile, where there is one',
    COMMENT COLUMN `median_seconds_to_phone` 'from login to phone number, where there is one';

ALTER TABLE locations_by_city
    COMMENT COLUMN `day` 'day in Asia/Shanghai',
    COMMENT COLUMN `app_id` 'mini-app',
    COMMENT COLUMN `province` 'province of the position',
    COMMENT COLUMN `city` 'city of the position',
    COMMENT COLUMN `fixes` 'positions',
    COMMENT COLUMN `users` 'users, each once a day and city';

ALTER TABLE logins_daily
    COMMENT COLUMN `day` 'day in Asia/Shanghai',
    COMMENT COLUMN `app_id` 'mini-app',
    COMMENT COLUMN `logins` 'logins',
    COMMENT COLUMN `users` 'users who logged in, each once a day',
    COMMENT COLUMN `new_users` 'users whose first event of any kind was on this day',
    COMMENT COLUMN `anonymous_logins` 'logins without an open_id';

ALTER TABLE notification_outcomes
    COMMENT COLUMN `day` 'day on which it was decided, in Asia/Shanghai',
    COMMENT COLUMN `app_id` 'mini-app',
    COMMENT COLUMN `template_id` 'message template',
    COMMENT COLUMN `status` 'what became of them; UNKNOWN: perhaps sent',
    COMMENT COLUMN `reason` 'why they were not sent; empty when they were',
    COMMENT COLUMN `notifications` 'results',
    COMMENT COLUMN `users` 'receivers, each once',
    COMMENT COLUMN `mean_attempts` 'requests for each';

ALTER TABLE users
    COMMENT COLUMN `app_id` 'mini-app',
    COMMENT COLUMN `open_id` 'user within the mini-app',
    COMMENT COLUMN `first_seen_at` 'occurred_at of the user''s first event',
    COMMENT COLUMN `last_seen_at` 'occurred_at of the newest fact',
    COMMENT COLUMN `last_login_at` 'newest login; null when none is known',
    COMMENT COLUMN `session_id` 'visit of the newest fact',
    COMMENT COLUMN `union_id` 'user across the apps of one developer; empty when unknown',
    COMMENT COLUMN `profile_at` 'when the profile was given; null when none is known',
    COMMENT COLUMN `nick_name` 'nick name',
    COMMENT COLUMN `avatar_url` 'address of the avatar picture',
    COMMENT COLUMN `gender` '0 unknown, 1 male, 2 female',
    COMMENT COLUMN `profile_city` 'city of the profile; usually empty',
    COMMENT COLUMN `profile_province` 'province of the profile; usually empty',
    COMMENT COLUMN `profile_country` 'country of the profile; usually empty',
    COMMENT COLUMN `profile_language` 'language of the profile',
    COMMENT COLUMN `phone_at` 'when the phone number was given; null when none is known',
    COMMENT COLUMN `phone_masked` 'phone number with its middle hidden, 138****0000',
    COMMENT COLUMN `phone_hash` 'hex HMAC-SHA-256 of the E.164 number under the pepper phone_hash_key; equal numbers have equal hashes',
    COMMENT COLUMN `phone_hash_key` 'id of the pepper of phone_hash',
    COMMENT COLUMN `phone_sealed` 'the E.164 number, sealed under the personal keys',
    COMMENT COLUMN `phone_country_code` 'country calling code, 86',
    COMMENT COLUMN `location_at` 'when the position was given; null when none is known',
    COMMENT COLUMN `longitude` 'degrees east, -180 to 180',
    COMMENT COLUMN `latitude` 'degrees north, -90 to 90',
    COMMENT COLUMN `coord_type` 'coordinate system, as the backend says; never guessed',
    COMMENT COLUMN `city` 'city of the position',
    COMMENT COLUMN `province` 'province of the position',
    COMMENT COLUMN `district` 'district of the position',
    COMMENT COLUMN `location_speed` 'metres per second',
    COMMENT COLUMN `location_accuracy` 'metres',
    COMMENT COLUMN `location_altitude` 'metres',
    COMMENT COLUMN `location_vertical_accuracy` 'metres',
    COMMENT COLUMN `location_horizontal_accuracy` 'metres',
    COMMENT COLUMN `address_at` 'when the address was given; null when none is known',
    COMMENT COLUMN `address_province` 'province of the delivery address',
    COMMENT COLUMN `address_city` 'city of the delivery address',
    COMMENT COLUMN `address_county` 'county or district of the delivery address',
    COMMENT COLUMN `address_name_sealed` 'recipient, sealed under the personal keys',
    COMMENT COLUMN `address_detail_sealed` 'street and number, sealed under the personal keys',
    COMMENT COLUMN `address_phone_masked` 'recipient''s phone number with its middle hidden',
    COMMENT COLUMN `address_phone_hash` 'hex HMAC-SHA-256 of the E.164 number under the pepper phone_hash_key; equal numbers have equal hashes',
    COMMENT COLUMN `address_phone_hash_key` 'id of the pepper of phone_hash',
    COMMENT COLUMN `address_phone_sealed` 'the E.164 number, sealed under the personal keys',
    COMMENT COLUMN `address_phone_country_code` 'country calling code, 86',
    COMMENT COLUMN `device_at` 'when the device was seen; null when none is known',
    COMMENT COLUMN `device_brand` 'maker of the device',
    COMMENT COLUMN `device_model` 'model of the device',
    COMMENT COLUMN `device_system` 'operating system and version',
    COMMENT COLUMN `device_platform` 'ios, android, devtools, …',
    COMMENT COLUMN `device_app_name` 'host app',
    COMMENT COLUMN `device_version` 'version of the host app',
    COMMENT COLUMN `device_sdk_version` 'version of the base library',
    COMMENT COLUMN `device_sdk_update_version` 'full version of the base library',
    COMMENT COLUMN `device_native_sdk_version` 'version of the native container',
    COMMENT COLUMN `device_language` 'language of the host app',
    COMMENT COLUMN `device_screen_width` 'pixels',
    COMMENT COLUMN `device_screen_height` 'pixels',
    COMMENT COLUMN `device_window_width` 'pixels',
    COMMENT COLUMN `device_window_height` 'pixels',
    COMMENT COLUMN `device_pixel_ratio` 'device pixels per pixel',
    COMMENT COLUMN `device_status_bar_height` 'pixels',
    COMMENT COLUMN `device_font_size_setting` 'font size that the user set',
    COMMENT COLUMN `device_battery` 'charge, per cent',
    COMMENT COLUMN `device_wifi_signal` 'Wi-Fi signal strength, 0 to 4',
    COMMENT COLUMN `device_score_cpu` 'score of the processor; null when unknown',
    COMMENT COLUMN `device_score_gpu` 'score of the graphics; null when unknown',
    COMMENT COLUMN `device_score_memory` 'score of the memory; null when unknown',
    COMMENT COLUMN `device_score_overall` 'overall score; null when unknown';

-- +goose Down
-- Comments need not be taken away.
SELECT 1;
