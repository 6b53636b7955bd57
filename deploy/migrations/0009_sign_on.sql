-- Sign-on by providers (gateway/auth/oidc)
create table identity (                        -- who a provider says somebody is
    issuer text not null,
    sub text not null,
    account_id text not null references account (id),
    email text not null default '',            -- verified by the provider; for show, never looked up
    linked_at timestamptz not null default now(),
    used_at timestamptz not null default now(),
    primary key (issuer, sub)
);
create index identity_account on identity (account_id);

create table sign_on (                         -- on the way to a provider and back
    state bytea primary key,                   -- SHA-256
    browser bytea not null,                    -- SHA-256 of a cookie: nobody else's browser can finish it
    provider text not null,
    nonce text not null,
    verifier text not null,
    destination text not null,
    account_id text references account (id),   -- whom the identity is to be linked to; null: a log-in
    again boolean not null,
    expires_at timestamptz not null
);
create index sign_on_age on sign_on (expires_at);

create table newcomer (                        -- proven by a provider, without an account yet
    browser bytea primary key,
    issuer text not null,
    sub text not null,
    username text not null,
    name text not null,
    email text not null,
    destination text not null,
    expires_at timestamptz not null
);
