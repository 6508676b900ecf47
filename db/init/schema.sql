-- Tables of the tax data, in SQL for PostgreSQL, MySQL and SQLite. Amounts are in euros. Rates are fractions, so 0.41
-- is 41 %. The service rejects values with more than four decimals. `schedule` is `v7` or an income year. If you change
-- these tables, increase SCHEMA_VERSION in services/api.

CREATE TABLE IF NOT EXISTS parameters (
    name        VARCHAR(64)    NOT NULL PRIMARY KEY,
    unit        VARCHAR(32)    NOT NULL,
    article     VARCHAR(255)   NOT NULL,    -- article of the Code general des impots
    fr          VARCHAR(255)   NOT NULL,    -- French term
    en          VARCHAR(255)   NOT NULL     -- English term
);

CREATE TABLE IF NOT EXISTS constants (
    schedule    VARCHAR(16)    NOT NULL,
    name        VARCHAR(64)    NOT NULL,
    value       DECIMAL(14, 4) NOT NULL,
    since       VARCHAR(10),                -- first day of validity, such as 2025-01-01; NULL if unknown
    PRIMARY KEY (schedule, name)
);

CREATE TABLE IF NOT EXISTS brackets (
    schedule    VARCHAR(16)    NOT NULL,
    name        VARCHAR(64)    NOT NULL,    -- name of the scale
    position    INTEGER        NOT NULL,
    upper_limit DECIMAL(14, 4),             -- NULL if unlimited
    rate        DECIMAL(14, 4) NOT NULL,
    constant    DECIMAL(14, 4),             -- v7: taxable income x rate - constant x shares; unused otherwise
    since       VARCHAR(10),
    PRIMARY KEY (schedule, name, position)
);

-- Legal sources of the values.
CREATE TABLE IF NOT EXISTS sources (
    schedule    VARCHAR(16)    NOT NULL,
    name        VARCHAR(64)    NOT NULL,
    position    INTEGER        NOT NULL,
    title       VARCHAR(255)   NOT NULL,
    url         VARCHAR(512),
    PRIMARY KEY (schedule, name, position)
);

-- The SHA-256 of the last schedules.json that the service wrote to the database. The service does not write the same
-- file again. It therefore keeps values that a restore or a manual correction has changed, until the file changes.
CREATE TABLE IF NOT EXISTS seeds (
    digest      VARCHAR(64)    NOT NULL PRIMARY KEY
);

-- The service writes this table last. If its row is missing, an older version of the service wrote the tables, or an
-- upgrade was interrupted.
CREATE TABLE IF NOT EXISTS schema_version (
    version     INTEGER        NOT NULL PRIMARY KEY
);
