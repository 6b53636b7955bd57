-- CI jobs that may publish a dataset without a secret (gateway/auth/ci)
create table trust (
    id text primary key,
    ownerid text not null references account (id),
    dataset text not null,                     -- need not exist yet
    provider text not null check (provider in ('github', 'gitlab')),
    issuer text not null,
    repository text not null,                  -- as it was written; compared without case
    repository_id text,                        -- learned at the first use, and pinned: names change hands
    repository_owner_id text,
    workflow text not null default '',         -- '' stands for any, here and below
    ref text not null default '',              -- whole, or its beginning and a '*'
    environment text not null default '',
    account_id text not null references account (id),  -- who trusts, and for whom the jobs act
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    last_run text
);
create unique index trust_once
    on trust (ownerid, dataset, issuer, lower(repository), workflow, ref, environment);
create index trust_repository on trust (issuer, lower(repository));

-- The token of a job: goes with the trust
alter table api_token add column trust_id text references trust (id) on delete cascade;
create index api_token_trust on api_token (trust_id) where trust_id is not null;

create table spent_id_token (                  -- of CI jobs: each is exchanged once
    id bytea primary key,                      -- SHA-256 of issuer and `jti`
    expires_at timestamptz not null
);
