-- Organisations, and what their members may do (gateway/auth/rights)
alter table account add column kind text not null default 'person'
    check (kind = 'person' or (kind = 'organisation' and password_hash is null));  -- an organisation never logs in

create table membership (
    organisation_id text not null references account (id),
    account_id text not null references account (id),
    role text not null check (role in ('reader', 'publisher', 'maintainer', 'owner')),
    since timestamptz not null default now(),
    primary key (organisation_id, account_id)
);
create index membership_account on membership (account_id);
