-- What was answered to a push with an Idempotency-Key (gateway/idempotencykey)
create table idempotency_key (
    account_id text not null references account (id),
    key text not null,
    body text not null,                        -- SHA-256 of the request, as canonical JSON
    answer jsonb not null,
    answered_at timestamptz not null default now(),
    primary key (account_id, key)
);
create index idempotency_key_answered on idempotency_key (answered_at);
