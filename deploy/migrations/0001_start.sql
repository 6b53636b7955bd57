-- Accounts and keys (gateway/auth)
create table account (
    id text primary key,                       -- opaque, random: survives a change of name or e-mail
    username text not null,
    name text not null default '',
    email text not null default '',
    password_hash text,                        -- argon2id; null: this account logs in elsewhere
    created_at timestamptz not null default now(),
    disabled_at timestamptz
);
create unique index account_username on account (lower(username));

create table signing_key (                     -- made at first start; shared by every gateway process
    kid text primary key,
    private_pem text not null,
    created_at timestamptz not null default now(),
    retired_at timestamptz                     -- still verifies, no longer signs
);

create table revoked_token (                   -- logged out before they expired
    token_id text primary key,
    expires_at timestamptz not null
);

-- Datasets, revisions, flows (gateway/source writes the start, workers/writers/pkgstore the end)
create table dataset (
    id text primary key,                       -- {ownerid}/{name}
    ownerid text not null references account (id),
    owner text not null,                       -- user name at the last push
    name text not null,
    findability text not null check (findability in ('published', 'unlisted', 'private')),
    last_revision integer not null default 0,  -- the row lock on this counter makes revisions contiguous
    published_revision integer,                -- the highest that succeeded: what readers see
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index dataset_owner on dataset (ownerid, name);

create table flow (                            -- one run publishing one revision
    id text primary key,                       -- {ownerid}/{dataset}/{revision}
    dataset_id text not null references dataset (id),
    revision integer not null,
    ownerid text not null,
    owner text not null,
    dataset text not null,
    findability text not null check (findability in ('published', 'unlisted', 'private')),
    state text not null default 'QUEUED' check (state in ('QUEUED', 'INPROGRESS', 'SUCCEEDED', 'FAILED')),
    reason text,                               -- a sentence for the publisher, when FAILED
    spec jsonb not null,                       -- what was posted
    descriptor jsonb not null,                 -- the publisher's datapackage.json
    package jsonb,                             -- the published datapackage.json, when SUCCEEDED
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    finished_at timestamptz,
    rescues integer not null default 0,
    check ((state in ('SUCCEEDED', 'FAILED')) = (finished_at is not null)),
    unique (dataset_id, revision)
);
create index flow_moving on flow (updated_at) where finished_at is null;

create table flow_resource (
    flow_id text not null references flow (id),
    index integer not null,
    name text not null,
    tabular boolean not null,
    stage text not null default 'load',        -- the stage it is in, or ended in
    state text not null default 'QUEUED' check (state in ('QUEUED', 'INPROGRESS', 'SUCCEEDED', 'FAILED')),
    round integer not null default 0,
    resource jsonb not null,                   -- messages.datapackage.Resource: as posted, whole again after the last stage
    facts jsonb not null default '{}',         -- by stage
    rows bigint,
    reason text,
    rule text,
    errors integer,
    findings jsonb,
    report jsonb,                              -- BlobRef
    updated_at timestamptz not null default now(),
    primary key (flow_id, index)
);

-- Transactional messaging (messages/outbox)
create table outbox (
    id bigint generated always as identity primary key,
    message_id text not null,
    body bytea not null,
    attempts integer not null default 0,
    not_before timestamptz not null default now(),
    created_at timestamptz not null default now()
);
create index outbox_due on outbox (not_before, id);

create table inbox (
    consumer text not null,
    message_id text not null,
    at timestamptz not null default now(),
    primary key (consumer, message_id)
);
create index inbox_age on inbox (at);

create table dead_letter (
    id text primary key,
    queue text not null,
    kind text,
    flow_id text,
    message_id text,
    body bytea not null,
    reason text not null,
    attempts integer not null,
    first_at timestamptz not null default now(),
    last_at timestamptz not null default now(),
    replayed_at timestamptz
);

-- MetaStore (workers/writers/metastore writes, gateway/metastore reads)
create extension if not exists pg_trgm;
create extension if not exists unaccent;
create text search configuration dataset_text (copy = english);
alter text search configuration dataset_text alter mapping for hword, hword_part, word with unaccent, english_stem;

create table metadata (
    dataset_id text primary key,
    revision integer not null,
    ownerid text not null,
    owner text not null,
    name text not null,
    title text not null,
    description text not null,
    findability text not null,
    package jsonb not null,                    -- the published datapackage.json
    size bigint not null,
    rows bigint not null,
    document tsvector not null,
    indexed_at timestamptz not null default now()
);
create index metadata_document on metadata using gin (document);
create index metadata_package on metadata using gin (package jsonb_path_ops);
create index metadata_owner on metadata (ownerid);

create table event_log (
    id text primary key,                       -- message id
    kind text not null,
    at timestamptz not null,
    flow_id text not null,
    ownerid text not null,
    owner text not null,
    dataset text not null,
    findability text not null,
    event jsonb not null                       -- the document that /metastore/search/events answers
);
create index event_log_at on event_log (at desc);
create index event_log_owner on event_log (owner, dataset, at desc);

-- Embedded transport (messages/transport/postgres)
create table queue (
    name text primary key,
    durable boolean not null default true,
    seen_at timestamptz not null default now() -- a watcher's queue is dropped when it was not seen for a minute
);
create table binding (
    queue text not null references queue (name) on delete cascade,
    pattern text not null,
    primary key (queue, pattern)
);
create table delivery (
    id bigint generated always as identity primary key,
    queue text not null,
    message_id text not null,
    body bytea not null,
    attempt integer not null default 1,        -- counted by us
    taken integer not null default 0,          -- deliveries of this very row: the delivery limit
    run_at timestamptz not null default now(),
    lease_owner text,
    lease_until timestamptz,
    reason text,                               -- of a dead letter
    origin text,                               -- the queue a dead letter comes from
    check ((lease_owner is null) = (lease_until is null))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);
create index delivery_ready on delivery (queue, run_at, id) where lease_owner is null;
create index delivery_leased on delivery (lease_until) where lease_owner is not null;
