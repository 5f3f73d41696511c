-- 00001_user_events.sql
CREATE TABLE IF NOT EXISTS user_events ON CLUSTER 'it\'s'
ENGINE = ReplicatedMergeTree
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
DROP TABLE IF EXISTS user_events ON CLUSTER 'it\'s';
-- 00002_users.sql
CREATE TABLE IF NOT EXISTS user_facts ON CLUSTER 'it\'s'
ENGINE = ReplicatedReplacingMergeTree(version)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
CREATE MATERIALIZED VIEW IF NOT EXISTS user_facts_newest ON CLUSTER 'it\'s' TO user_facts AS
CREATE TABLE IF NOT EXISTS user_first_seen ON CLUSTER 'it\'s'
ENGINE = ReplicatedAggregatingMergeTree
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
CREATE MATERIALIZED VIEW IF NOT EXISTS user_first_seen_min ON CLUSTER 'it\'s' TO user_first_seen AS
CREATE VIEW IF NOT EXISTS users ON CLUSTER 'it\'s' AS
DROP VIEW IF EXISTS users ON CLUSTER 'it\'s';
DROP VIEW IF EXISTS user_first_seen_min ON CLUSTER 'it\'s';
DROP VIEW IF EXISTS user_facts_newest ON CLUSTER 'it\'s';
DROP TABLE IF EXISTS user_first_seen ON CLUSTER 'it\'s';
DROP TABLE IF EXISTS user_facts ON CLUSTER 'it\'s';
-- 00003_notifications.sql
CREATE TABLE IF NOT EXISTS notifications ON CLUSTER 'it\'s'
ENGINE = ReplicatedMergeTree
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
DROP TABLE IF EXISTS notifications ON CLUSTER 'it\'s';
-- 00004_dead_letters.sql
CREATE TABLE IF NOT EXISTS dead_letters ON CLUSTER 'it\'s'
ENGINE = ReplicatedMergeTree
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
DROP TABLE IF EXISTS dead_letters ON CLUSTER 'it\'s';
-- 00005_consents.sql
CREATE TABLE IF NOT EXISTS consent_facts ON CLUSTER 'it\'s'
ENGINE = ReplicatedReplacingMergeTree(version)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
CREATE MATERIALIZED VIEW IF NOT EXISTS consent_facts_newest ON CLUSTER 'it\'s' TO consent_facts AS
CREATE VIEW IF NOT EXISTS consents ON CLUSTER 'it\'s' AS
DROP VIEW IF EXISTS consents ON CLUSTER 'it\'s';
DROP VIEW IF EXISTS consent_facts_newest ON CLUSTER 'it\'s';
DROP TABLE IF EXISTS consent_facts ON CLUSTER 'it\'s';
-- 00006_views.sql
CREATE VIEW IF NOT EXISTS logins_daily ON CLUSTER 'it\'s' AS
CREATE VIEW IF NOT EXISTS funnel_daily ON CLUSTER 'it\'s' AS
CREATE VIEW IF NOT EXISTS devices ON CLUSTER 'it\'s' AS
CREATE VIEW IF NOT EXISTS locations_by_city ON CLUSTER 'it\'s' AS
CREATE VIEW IF NOT EXISTS notification_outcomes ON CLUSTER 'it\'s' AS
CREATE VIEW IF NOT EXISTS dead_letter_reasons ON CLUSTER 'it\'s' AS
CREATE VIEW IF NOT EXISTS freshness ON CLUSTER 'it\'s' AS
DROP VIEW IF EXISTS freshness ON CLUSTER 'it\'s';
DROP VIEW IF EXISTS dead_letter_reasons ON CLUSTER 'it\'s';
DROP VIEW IF EXISTS notification_outcomes ON CLUSTER 'it\'s';
DROP VIEW IF EXISTS locations_by_city ON CLUSTER 'it\'s';
DROP VIEW IF EXISTS devices ON CLUSTER 'it\'s';
DROP VIEW IF EXISTS funnel_daily ON CLUSTER 'it\'s';
DROP VIEW IF EXISTS logins_daily ON CLUSTER 'it\'s';
-- 00007_view_comments.sql
ALTER TABLE consents ON CLUSTER 'it\'s'
ALTER TABLE dead_letter_reasons ON CLUSTER 'it\'s'
ALTER TABLE devices ON CLUSTER 'it\'s'
ALTER TABLE freshness ON CLUSTER 'it\'s'
ALTER TABLE funnel_daily ON CLUSTER 'it\'s'
ALTER TABLE locations_by_city ON CLUSTER 'it\'s'
ALTER TABLE logins_daily ON CLUSTER 'it\'s'
ALTER TABLE notification_outcomes ON CLUSTER 'it\'s'
ALTER TABLE users ON CLUSTER 'it\'s'
