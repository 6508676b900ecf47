-- The tax data, in SQL that PostgreSQL, MySQL and SQLite all accept. Amounts are in euros, rates are fractions (0.41 is
-- 41 %). The service refuses values with more than four decimals. A schedule is `v7` or an income year.
-- A change of these tables needs a new SCHEMA_VERSION in services/api.

CREATE TABLE IF NOT EXISTS parameters (
    name        VARCHAR(64)    NOT NULL PRIMARY KEY,
    unit        VARCHAR(32)    NOT NULL,
    article     VARCHAR(255)   NOT NULL,    -- of the Code general des impots
    fr          VARCHAR(255)   NOT NULL,    -- French term
    en          VARCHAR(255)   NOT NULL
);

CREATE TABLE IF NOT EXISTS constants (
    schedule    VARCHAR(16)    NOT NULL,
    name        VARCHAR(64)    NOT NULL,
    value       DECIMAL(14, 4) NOT NULL,
    since       VARCHAR(10),                -- first day of validity, as 2025-01-01; NULL: unknown
    PRIMARY KEY (schedule, name)
);

CREATE TABLE IF NOT EXISTS brackets (
    schedule    VARCHAR(16)    NOT NULL,
    name        VARCHAR(64)    NOT NULL,    -- of the scale
    position    INTEGER        NOT NULL,
    upper_limit DECIMAL(14, 4),             -- NULL: no limit
    rate        DECIMAL(14, 4) NOT NULL,
    constant    DECIMAL(14, 4),             -- per share, subtracted from taxable income x rate; only the rules v7 use it
    since       VARCHAR(10),
    PRIMARY KEY (schedule, name, position)
);

-- The legal sources of a value.
CREATE TABLE IF NOT EXISTS sources (
    schedule    VARCHAR(16)    NOT NULL,
    name        VARCHAR(64)    NOT NULL,
    position    INTEGER        NOT NULL,
    title       VARCHAR(255)   NOT NULL,
    url         VARCHAR(512),
    PRIMARY KEY (schedule, name, position)
);

-- The SHA-256 of the schedules.json that was written last. Figures from a restore or a correction by hand stay until that
-- file changes.
CREATE TABLE IF NOT EXISTS seeds (
    digest      VARCHAR(64)    NOT NULL PRIMARY KEY
);

-- Written last. A database without it has the tables of an older service, or an upgrade was interrupted.
CREATE TABLE IF NOT EXISTS schema_version (
    version     INTEGER        NOT NULL PRIMARY KEY
);
