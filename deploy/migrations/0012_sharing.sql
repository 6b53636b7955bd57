-- Who sees a dataset, since when (gateway/visibility), and links that show a private one (gateway/auth/previews)
alter table dataset add column switched_at timestamptz;  -- somebody said who sees it: no push shows more than that

create table visibility (                      -- what a dataset was, from then on
    id bigint generated always as identity primary key,
    dataset_id text not null references dataset (id),
    findability text not null check (findability in ('published', 'unlisted', 'private')),
    since timestamptz not null default now()
);
create index visibility_dataset on visibility (dataset_id, id);
insert into visibility (dataset_id, findability, since) select id, findability, created_at from dataset;

create table preview_link (
    id text primary key,
    digest bytea not null unique,              -- SHA-256 of the secret in the link
    dataset_id text not null references dataset (id),
    note text not null default '',
    account_id text not null references account (id),  -- who made it
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    used_at timestamptz                        -- the last use, to the minute
);
create index preview_link_dataset on preview_link (dataset_id);

-- What of two is seen by fewer
create function narrower(a text, b text) returns text immutable parallel safe language sql as $$
    select case when 'private' in (a, b) then 'private' when 'unlisted' in (a, b) then 'unlisted' else a end
$$;
