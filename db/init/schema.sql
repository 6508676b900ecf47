-- The tax data, in SQL that PostgreSQL, MySQL and SQLite all read. Amounts in euros; rates as fractions (0.41 is 41 %).
-- Four decimals are the contract: the service refuses a value that has more.
-- A schedule is `v7` or an income year. A change of these tables needs a new version in services/api: storage/schedule_tables.py.

CREATE TABLE IF NOT EXISTS parameters (
    name        VARCHAR(64)    NOT NULL PRIMARY KEY,
    unit        VARCHAR(32)    NOT NULL,
    article     VARCHAR(255)   NOT NULL,    -- of the Code general des impots
    fr          VARCHAR(255)   NOT NULL,    -- what it is called in French
    en          VARCHAR(255)   NOT NULL
);

CREATE TABLE IF NOT EXISTS constants (
    schedule    VARCHAR(16)    NOT NULL,
    name        VARCHAR(64)    NOT NULL,
    value       DECIMAL(14, 4) NOT NULL,
    since       VARCHAR(10),                -- the day from which it holds, as 2025-01-01; NULL: not known
    PRIMARY KEY (schedule, name)
);

CREATE TABLE IF NOT EXISTS brackets (
    schedule    VARCHAR(16)    NOT NULL,
    name        VARCHAR(64)    NOT NULL,    -- of the scale
    position    INTEGER        NOT NULL,
    upper_limit DECIMAL(14, 4),             -- NULL: no limit
    rate        DECIMAL(14, 4) NOT NULL,
    constant    DECIMAL(14, 4),             -- per share, subtracted from taxable income x rate; the rules v7 alone use it
    since       VARCHAR(10),
    PRIMARY KEY (schedule, name, position)
);

-- The texts that a value comes from.
CREATE TABLE IF NOT EXISTS sources (
    schedule    VARCHAR(16)    NOT NULL,
    name        VARCHAR(64)    NOT NULL,
    position    INTEGER        NOT NULL,
    title       VARCHAR(255)   NOT NULL,
    url         VARCHAR(512),
    PRIMARY KEY (schedule, name, position)
);

-- Which schedules.json was written last, as its SHA-256: figures that came another way (a restore, a correction by
-- hand) stay until that file changes.
CREATE TABLE IF NOT EXISTS seeds (
    digest      VARCHAR(64)    NOT NULL PRIMARY KEY
);

-- Written last: a database without it has tables of an older service, or was being brought up to date.
CREATE TABLE IF NOT EXISTS schema_version (
    version     INTEGER        NOT NULL PRIMARY KEY
);
