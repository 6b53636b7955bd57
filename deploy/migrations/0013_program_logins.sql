-- Log-ins of programs (gateway/auth/oauth)
create table login_family (                    -- one `dh login` on one machine, and all tokens that come of it
    id text primary key,
    account_id text not null references account (id),
    client text not null,
    device text not null,                      -- what the program calls its machine; for show
    address text not null,                     -- where it was last seen
    made_at timestamptz not null default now(),
    used_at timestamptz not null default now(),
    expires_at timestamptz not null,
    ended_at timestamptz,
    ended_why text
);
create index login_family_account on login_family (account_id);

create table refresh_token (
    hash bytea primary key,                    -- SHA-256
    family_id text not null references login_family (id) on delete cascade,
    successor bytea,                           -- what it was exchanged for; null: it is the family's present one
    attempt bytea                              -- SHA-256 of the secret that the exchange was asked with
);
create index refresh_token_family on refresh_token (family_id);

create table authorization_code (              -- good for a minute and one exchange
    hash bytea primary key,
    account_id text not null references account (id),
    client text not null,
    device text not null,
    redirect_uri text not null,
    challenge text not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    family_id text references login_family (id) on delete set null
);
create index authorization_code_age on authorization_code (expires_at);

create table device_code (                     -- a machine without a browser waits for somebody's consent
    hash bytea primary key,
    user_code text not null unique,
    client text not null,
    device text not null,
    address text not null,
    state text not null default 'waiting' check (state in ('waiting', 'allowed', 'denied', 'used')),
    account_id text references account (id),
    pace integer not null,                     -- seconds between questions
    asked_at timestamptz,
    made_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index device_code_age on device_code (expires_at);
