-- Tokens for machines (gateway/auth/apitokens): each for one owner or dataset, and for a time
create table api_token (
    id text primary key,                       -- random; permission tokens that it was exchanged for name it
    digest bytea not null unique,              -- SHA-256 of the secret, which is kept nowhere
    account_id text not null references account (id),  -- whose rights it narrows
    name text not null,
    access text not null check (access in ('read', 'publish', 'manage')),  -- each includes those before it
    ownerid text not null references account (id),
    dataset text,                              -- null: everything of the owner's; need not exist yet
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    last_used_at timestamptz,                  -- to the minute
    last_address text,
    revoked_at timestamptz
);
create unique index api_token_name on api_token (account_id, lower(name)) where revoked_at is null;
