-- Addresses that are told of events (gateway/webhooks), and what is sent to them (workers/webhooks)
create table webhook (
    id text primary key,
    ownerid text not null references account (id),     -- the subscriber
    dataset_id text references dataset (id),           -- null: every dataset of the subscriber's own
    url text not null,
    secret text not null,                              -- whsec_…: signs
    old_secret text,                                   -- the one before it: signs, too, until old_until
    old_until timestamptz,
    account_id text not null references account (id),  -- who made it
    created_at timestamptz not null default now(),
    disabled_at timestamptz,                           -- its receiver said that it is gone (410)
    unique nulls not distinct (ownerid, dataset_id, url)
);
create index webhook_dataset on webhook (dataset_id);

create table webhook_delivery (
    id text primary key,
    webhook_id text not null references webhook (id) on delete cascade,
    event_id text not null,                            -- `webhook-id`: the same at each attempt
    kind text not null,
    flow_id text,                                      -- null: a ping
    body bytea not null,                               -- the event, as it is sent
    state text not null default 'waiting' check (state in ('waiting', 'delivered', 'parked')),
    attempts integer not null default 0,
    created_at timestamptz not null default now(),
    next_at timestamptz not null default now(),
    lease text,                                        -- of the attempt under way
    leased_until timestamptz,
    attempted_at timestamptz,
    ended_at timestamptz,
    status integer,                                    -- of the last answer; null: there was none
    error text,
    unique (webhook_id, event_id)
);
create index webhook_delivery_waiting on webhook_delivery (webhook_id, next_at) where state = 'waiting';
create index webhook_delivery_listed on webhook_delivery (webhook_id, created_at desc);
create index webhook_delivery_ended on webhook_delivery (ended_at) where state <> 'waiting';
